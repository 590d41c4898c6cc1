//! The verifier as an auditor runs it, and what must make it fail: any changed byte.

use muster_report::figures::{Proof, Seen};
use muster_report::sides::{Crossing, Horizons, Sides};
use muster_report::{pack, sides};
use muster_residency::vocab::Law;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::path::Path;
use std::process::Command;

struct Key(Ed25519KeyPair);

impl Key {
    fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn public(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).as_ref().try_into().unwrap()
    }
}

fn run(file: &Path, key: Option<&str>) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster-verify"));
    command.arg(file);
    key.iter().for_each(|key| _ = command.args(["--key", key]));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text.into_owned())
}

fn crossing(n: u64, from: Law, to: Law) -> Crossing {
    Crossing {
        at: "2026-11-27T01:00:00Z".into(),
        event_id: format!("EVENT{n}"),
        from,
        to,
        subjects: (Some(format!("{from}-person-{n}")), Some(format!("{to}-person-{n}"))),
        digest: format!("digest-{n}"),
        destination: "sg-tenant".into(),
        region: "ap-southeast-1".into(),
        operator: Some("An operator".into()),
        remote_access_from: vec![],
        seen: Some(Seen {
            proof: Proof::Contract,
            region: "ap-southeast-1".into(),
            host: "host.example:443".into(),
            certificate: "00".into(),
            names: vec!["host.example".into()],
            tls_version: "TLSv1_3".into(),
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
            sealed_to: None,
            clause: Some("1: All data stays there.".into()),
        }),
        bucket: None,
        policy: Some("mo-bank@7".into()),
        policy_sha256: Some("00".into()),
        law_pack: Some("apac@3".into()),
        taken_at: Some("2026-11-27T01:00:01Z".into()),
        receipt: Some("call-1".into()),
        batch: n,
        chain: "00".into(),
    }
}

fn made() -> Sides {
    let crossings: Vec<_> = (0..7)
        .map(|n| crossing(n, Law::MO, Law::SG))
        .chain((7..10).map(|n| crossing(n, Law::CN, Law::SG)))
        .collect();
    let horizons = Horizons::from([(Law::CN, "2026-11-28T00:00:00Z".parse().unwrap())]);
    Sides::new("mo-hq", ("2026-11-01".into(), "2026-11-30".into()), &crossings, &horizons)
}

#[test]
fn each_side_stands_alone_under_one_root() {
    let (sides, key) = (made(), Key::new(1));
    let export = |law| sides.export(law, key.public(), &|bytes| key.sign(bytes));
    assert_eq!(sides.laws(), [Law::CN, Law::MO, Law::SG]);
    let [cn, mo, sg] = [Law::CN, Law::MO, Law::SG].map(export);
    let [cn_seen, mo_seen, sg_seen] =
        [&cn, &mo, &sg].map(|text| sides::verify(text, Some(key.public())).unwrap());
    assert!(cn_seen.root == mo_seen.root && mo_seen.root == sg_seen.root);
    assert_eq!((cn_seen.entries, mo_seen.entries, sg_seen.entries), (3, 7, 10));
    assert_eq!(mo_seen.pairs, sg_seen.pairs);
    assert!(!mo.contains("CN-person"), "Macau's side names nobody of the mainland alone");
    assert!(!mo.contains("SG-person") && !sg.contains("MO-person"), "each by its own pseudonyms");
    assert!(mo.contains("by contract, not verified") && mo.contains("\"language\":\"pt\""));
    // The mainland's side is past its own retention: its entries stay and name nobody, while the
    // same transfers on Singapore's side still do.
    assert!(!cn.contains("CN-person") && !cn.contains("EVENT"), "{cn}");
    assert!(sg.contains("SG-person-9") && mo.contains("MO-person-1"));
    let link = |text: &str, at: usize| {
        let line: serde_json::Value = serde_json::from_str(text.lines().nth(at).unwrap()).unwrap();
        line["entry"]["link"].as_str().unwrap().to_owned()
    };
    assert_eq!(link(&mo, 1), link(&sg, 1), "the two entries of a pair are linked");
}

#[test]
fn a_side_with_any_byte_changed_or_a_line_missing_fails() {
    let (sides, key) = (made(), Key::new(1));
    let text = sides.export(Law::MO, key.public(), &|bytes| key.sign(bytes));
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        assert!(sides::verify(&changed, None).is_err(), "byte {at}");
    }
    for gone in 0..text.lines().count() {
        let lines = text.lines().enumerate().filter(|(n, _)| *n != gone);
        let less: String = lines.map(|(_, line)| line.to_owned() + "\n").collect();
        assert!(sides::verify(&less, None).is_err(), "line {gone}");
    }
    assert!(sides::verify(&text, Some(Key::new(2).public())).is_err(), "another box's key");
}

#[test]
fn a_pack_with_any_byte_changed_fails() {
    let (folder, key) = (tempfile::tempdir().unwrap(), Key::new(1));
    let file = folder.path().join("audit.tar");
    let bytes = b"any bytes that stand for an archive".to_vec();
    let line = pack::signature_line(&bytes, key.public(), &|bytes| key.sign(bytes));
    std::fs::write(&file, &bytes).unwrap();
    let beside = folder.path().join("audit.tar.sig");
    std::fs::write(&beside, &line).unwrap();
    let public = pack::hex(&key.public());
    let (code, said) = run(&file, Some(&public));
    assert!(code == 0 && said.contains("whole"), "{said}");
    let (code, said) = run(&file, None);
    assert!(code == 0 && said.contains("compare it"), "{said}");
    assert_eq!(run(&file, Some(&pack::hex(&Key::new(2).public()))).0, 1);
    assert_eq!(run(&folder.path().join("none"), None).0, 2);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(pack::verify(&changed, &line, None).is_err(), "byte {at}");
    }
    for at in 0..line.len() {
        let mut changed = line.clone().into_bytes();
        changed[at] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else { continue };
        assert!(pack::verify(&bytes, &changed, Some(key.public())).is_err(), "byte {at} of .sig");
    }
    let mut changed = bytes.clone();
    changed[3] ^= 1;
    std::fs::write(&file, changed).unwrap();
    let (code, said) = run(&file, Some(&public));
    assert!(code == 1 && said.contains("NOT what the box signed"), "{said}");
}

#[test]
fn a_pack_says_what_retention_took_from_the_journal() {
    let (folder, key) = (tempfile::tempdir().unwrap(), Key::new(1));
    let file = folder.path().join("audit.tar");
    let journal = r#"{"checked_by":"the box itself","journal":{"whole":true,"records":7,
        "deleted":{"batches":40,"records":900},"destroyed":{"facts":[202612],"acts":[]}}}"#;
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(journal.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "journal.json", journal.as_bytes()).unwrap();
    let bytes = tar.into_inner().unwrap();
    std::fs::write(&file, &bytes).unwrap();
    let line = pack::signature_line(&bytes, key.public(), &|bytes| key.sign(bytes));
    std::fs::write(folder.path().join("audit.tar.sig"), line).unwrap();
    let (code, said) = run(&file, None);
    assert_eq!(code, 0, "{said}");
    for told in [
        "the journal, as the box itself checked it: whole, 7 records",
        "retention deleted the first 40 batches with 900 records",
        "retention destroyed the keys of records of 2026-12",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
}
