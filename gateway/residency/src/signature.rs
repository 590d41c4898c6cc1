//! Detached signatures over a policy: `POLICY.sig`, one line a signer.
//!
//! ```text
//! muster-sig-1 PERSON ROLE PUBLIC_KEY SIGNATURE
//! ```
//!
//! Five words between single spaces; key and signature in base64 (RFC 4648, padded). Empty lines
//! and lines that begin with `#` are passed over. The signature is Ed25519 over the text of
//! [`statement`], which binds the policy's canonical hash, its dates, the law pack's id, version and
//! hash, and the person and role of the signer. A line counts only if its person, role and key are
//! among the signers the box enrolled.

use crate::canonical::hash_text;
use crate::decide::enough_signers;
use crate::diff::Direction;
use crate::key::{SigningKey, TrustedSigner};
use crate::law_pack::LawPack;
use crate::policy::{Policy, Signer};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};

/// First word of a line.
pub const MARK: &str = "muster-sig-1";

/// Most lines that are read.
pub const MAX_LINES: usize = 64;

/// The signatures that count, and why others do not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verified {
    /// Who signed, each person and role once. The only signers a box may give to a decision.
    pub signers: Vec<Signer>,
    /// Lines that do not count.
    pub refused: Vec<Refused>,
}

/// A line that does not count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The line, from 1.
    pub line: usize,
    /// Why.
    pub fault: SignatureFault,
}

/// Why a line does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureFault {
    /// It is not a line of this format.
    #[error("not a signature line; sign again with `muster policy sign`")]
    Format,
    /// Person, role and key are not enrolled together.
    #[error("this person, role and key may not sign on this box; enrol the public key first")]
    NotTrusted,
    /// The signature is over something else.
    #[error("the signature is not over this policy, these dates and this law pack; sign again")]
    Mismatch,
    /// There are more lines than [`MAX_LINES`].
    #[error("too many lines; keep one for each signer")]
    TooMany,
}

/// What a signer signs.
pub fn statement(policy: &Policy, law_pack: &LawPack, person: &str, role: &str) -> String {
    let header = &policy.header;
    format!(
        "muster policy signature 1\npolicy {}@{} {}\nfrom {}\nuntil {}\nlaw-pack {}@{} {}\n\
         person {person}\nrole {role}\n",
        header.id,
        header.version,
        hash_text(&policy.hash()),
        header.effective_from,
        header.effective_until,
        law_pack.id,
        law_pack.version,
        hash_text(&law_pack.hash()),
    )
}

/// Signs a policy: one line for its `.sig` file, with the line break.
pub fn sign(policy: &Policy, law_pack: &LawPack, key: &SigningKey) -> String {
    sign_text(&statement(policy, law_pack, key.person(), key.role()), key)
}

/// The signatures with `line` added; an older one of the same person and role gives way.
pub fn with_line(existing: &str, line: &str) -> String {
    let signer = |line: &str| line.split(' ').take(3).map(str::to_owned).collect::<Vec<_>>();
    let others = existing.lines().filter(|old| signer(old) != signer(line));
    others.chain([line.trim_end()]).map(|kept| format!("{kept}\n")).collect()
}

/// The line of a signature over `text`, which names the key's person and role itself.
pub(crate) fn sign_text(text: &str, key: &SigningKey) -> String {
    let signature = key.sign(text.as_bytes());
    let public = STANDARD.encode(key.public_key());
    let (person, role) = (key.person(), key.role());
    format!("{MARK} {person} {role} {public} {}\n", STANDARD.encode(signature))
}

/// Reads a `.sig` file and keeps the signers whose signature is good and who are trusted.
pub fn verify(
    sig_text: &str,
    policy: &Policy,
    law_pack: &LawPack,
    trusted: &[TrustedSigner],
) -> Verified {
    let mut verified = Verified::default();
    for (at, line) in sig_text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let outcome = if at < MAX_LINES {
            verify_line(line, policy, law_pack, trusted)
        } else {
            Err(SignatureFault::TooMany)
        };
        match outcome {
            Ok(signer) if !verified.signers.contains(&signer) => verified.signers.push(signer),
            Ok(_) => {}
            Err(fault) => verified.refused.push(Refused { line: at + 1, fault }),
        }
        if at >= MAX_LINES {
            break;
        }
    }
    verified
}

/// Why a version may not be published.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PublishFault {
    /// A loosening or a first version lacks signatures.
    #[error(
        "a loosening needs two people in two roles, the dpo among them; let the others sign with \
         `muster policy sign`"
    )]
    Loosening,
    /// A tightening or neutral change has no signature of its own.
    #[error("a tightening needs one signature; sign it with `muster policy sign`")]
    Tightening,
    /// A tightening, with its parent's signers, still lacks two people, two roles or the DPO.
    #[error("with its parent's signers this version still lacks two people, two roles or the dpo")]
    Parent,
}

/// The signers a version is in force with: its own, and its parent's too unless it loosens. A first
/// version loosens.
pub fn signers_in_force(
    direction: Direction,
    own: &[Signer],
    parent: &[Signer],
) -> Result<Vec<Signer>, PublishFault> {
    let mut signers = own.to_vec();
    if direction == Direction::Loosens {
        return if enough_signers(own) { Ok(signers) } else { Err(PublishFault::Loosening) };
    }
    if own.is_empty() {
        return Err(PublishFault::Tightening);
    }
    signers.extend(parent.iter().filter(|s| !own.contains(s)).cloned());
    if enough_signers(&signers) { Ok(signers) } else { Err(PublishFault::Parent) }
}

fn verify_line(
    line: &str,
    policy: &Policy,
    law_pack: &LawPack,
    trusted: &[TrustedSigner],
) -> Result<Signer, SignatureFault> {
    verify_text(line, trusted, |person, role| statement(policy, law_pack, person, role))
}

/// Who signed the text that is theirs, if the line is good and they are trusted.
pub(crate) fn verify_text(
    line: &str,
    trusted: &[TrustedSigner],
    text: impl Fn(&str, &str) -> String,
) -> Result<Signer, SignatureFault> {
    let words: Vec<&str> = line.trim_end().split(' ').collect();
    let &[MARK, person, role, public, signature] = words.as_slice() else {
        return Err(SignatureFault::Format);
    };
    let public = STANDARD.decode(public).map_err(|_| SignatureFault::Format)?;
    let signature = STANDARD.decode(signature).map_err(|_| SignatureFault::Format)?;
    let enrolled = |t: &&TrustedSigner| {
        (t.person.as_str(), t.role.as_str(), &t.public_key[..]) == (person, role, &public[..])
    };
    let signer = trusted.iter().find(enrolled).ok_or(SignatureFault::NotTrusted)?;
    UnparsedPublicKey::new(&ED25519, signer.public_key)
        .verify(text(person, role).as_bytes(), &signature)
        .map_err(|_| SignatureFault::Mismatch)?;
    Ok(Signer { person: signer.person.clone(), role: signer.role.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    const POLICY: &str = include_str!("../tests/policies/mo-bank.toml");
    const LAW_PACK: &str = include_str!("../tests/lawpack.toml");

    fn key(person: &str, role: &str, seed: u8) -> SigningKey {
        SigningKey::new(person, role, Zeroizing::new([seed; 32])).expect("a key")
    }

    fn read(policy: &str) -> (Policy, LawPack) {
        (Policy::parse(policy).expect("policy"), LawPack::parse(LAW_PACK).expect("law pack"))
    }

    fn check(
        policy: &str,
        sig: &str,
        trusted: &[TrustedSigner],
        expect: Result<usize, SignatureFault>,
    ) {
        let (policy, pack) = read(policy);
        let verified = verify(sig, &policy, &pack, trusted);
        match expect {
            Ok(n) => assert_eq!((verified.signers.len(), verified.refused.len()), (n, 0)),
            Err(fault) => assert_eq!(verified.refused.first().map(|r| r.fault), Some(fault)),
        }
    }

    fn signed(keys: &[&SigningKey]) -> String {
        let (policy, pack) = read(POLICY);
        keys.iter().map(|key| sign(&policy, &pack, key)).collect()
    }

    #[test]
    fn good_lines_count_and_others_do_not() {
        let (a, b) = (key("ho.mei", "dpo", 1), key("lam.kit", "it-admin", 2));
        let trusted = [a.trusted(), b.trusted()];
        let sig = signed(&[&a, &b]);
        check(POLICY, &sig, &trusted, Ok(2));
        check(POLICY, &format!("# two signers\n\n{sig}{sig}"), &trusted, Ok(2));
        check(POLICY, &sig, &trusted[..1], Err(SignatureFault::NotTrusted));
        check(
            POLICY,
            &sig.replace(" dpo ", " security "),
            &trusted,
            Err(SignatureFault::NotTrusted),
        );
        check(POLICY, "a b c", &trusted, Err(SignatureFault::Format));
    }

    #[test]
    fn a_changed_policy_or_date_is_no_longer_signed() {
        let a = key("ho.mei", "dpo", 1);
        let sig = signed(&[&a]);
        let trusted = [a.trusted()];
        for (from, to) in [
            ("private-banking", "retail"),
            ("2026-10-01", "2026-10-02"),
            ("version = 7", "version = 8"),
            ("ap-southeast-1", "ap-southeast-3"),
            ("require = [\"dpa\", ", "require = ["),
        ] {
            check(&POLICY.replacen(from, to, 1), &sig, &trusted, Err(SignatureFault::Mismatch));
        }
        let commented = format!("# a comment\n{}", POLICY.replace("ho.mei", "someone"));
        check(&commented, &sig, &trusted, Ok(1));
    }

    #[test]
    fn a_loosening_wants_two_and_a_tightening_one() {
        let of = |list: &[(&str, &str)]| -> Vec<Signer> {
            list.iter().map(|(p, r)| Signer { person: (*p).into(), role: (*r).into() }).collect()
        };
        let both = of(&[("a", "dpo"), ("b", "it-admin")]);
        for one in [
            &both[..1],
            &both[1..],
            &of(&[("a", "dpo"), ("a", "it")]),
            &of(&[("a", "dpo"), ("b", "dpo")]),
        ] {
            assert_eq!(
                signers_in_force(Direction::Loosens, one, &both),
                Err(PublishFault::Loosening)
            );
        }
        assert!(signers_in_force(Direction::Loosens, &both, &[]).is_ok());
        assert!(signers_in_force(Direction::Tightens, &both[1..], &both).is_ok());
        assert_eq!(
            signers_in_force(Direction::Tightens, &[], &both),
            Err(PublishFault::Tightening)
        );
        assert_eq!(
            signers_in_force(Direction::Tightens, &both[..1], &[]),
            Err(PublishFault::Parent)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC{0,200}") {
            let (policy, pack) = read(POLICY);
            prop_assert!(verify(&text, &policy, &pack, &[]).signers.is_empty());
        }
    }
}
