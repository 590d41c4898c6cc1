//! Firmware over the wire: into the other slot, started, proved or given up.

use crate::stage::{NAME, RECEIPTS, Stage};
use muster_tests::emulated::{START, image};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::Ordering::SeqCst;

/// The board that the image is for.
const BOARD: &str = "2";
/// What the boot loader says once it has written an image; QEMU's flash is as it was.
const WRITTEN: &str = "boot: the image cannot be read back";
/// An image that starts and resets at once: stack, reset vector, `ldr r0`, `ldr r1`, `str`, the
/// register that resets and what to write there.
const BAD: [u32; 8] =
    [0x2000_8000, 0x0000_8009, 0x4903_4802, 0xE7FE_6001, 0, 0xE000_ED0C, 0x05FA_0004, 0];

/// Signs images.
struct Maker {
    folder: PathBuf,
}

impl Maker {
    fn new(folder: &Path) -> Self {
        let maker = Self { folder: folder.to_owned() };
        for key in ["maker", "stranger"] {
            let file = maker.file(&format!("{key}.pem"));
            let made = Command::new("openssl")
                .args(["genpkey", "-algorithm", "ed25519", "-out"])
                .arg(file)
                .status();
            assert!(made.unwrap().success());
        }
        maker
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn sign(&self, key: &str, version: &str, image: &[u8]) -> PathBuf {
        let (raw, out) = (self.file("raw"), self.file(&format!("{key}-{version}")));
        std::fs::write(&raw, image).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/sign");
        let mut command = Command::new(script);
        command.arg(self.file(&format!("{key}.pem"))).args([BOARD, version]);
        assert!(command.arg(raw).arg(&out).status().unwrap().success());
        out
    }
}

impl Stage {
    fn update(&self, image: &Path) -> Result<String, String> {
        let args = ["device", "update", NAME, image.to_str().unwrap()];
        self.site.muster(&args).map_err(|error| format!("{error:#}"))
    }

    /// Lets the boot loader write, and then the emulated flash do so.
    fn written(&mut self) {
        self.m1.said(WRITTEN, START).unwrap();
        self.m1.power_off().unwrap();
        assert!(self.m1.write_code().unwrap() > 0);
    }

    fn runs(&mut self, version: &str) {
        self.m1.power_on().unwrap();
        assert_eq!(self.m1.said("firmware ", START).unwrap(), version);
    }
}

#[test]
fn signed_firmware_is_taken_over_the_wire_and_a_bad_one_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let maker = Maker::new(folder.path());
    let first = std::fs::read(image().unwrap().with_extension("bin")).unwrap();
    let second = [&first[..], &[0; 8]].concat();
    let bad: Vec<u8> = BAD.iter().flat_map(|word| word.to_le_bytes()).collect();
    let (one, key) = (maker.sign("maker", "1", &first), maker.file("maker-1.key"));
    let mut stage = Stage::with_firmware(one.clone(), key).unwrap();
    stage.m1.wire().fast.store(true, SeqCst);
    stage.runs("1");

    let refused = stage.update(&maker.sign("stranger", "2", &second)).unwrap_err();
    assert!(refused.contains("not signed by the key"), "{refused}");
    stage.alarm(Some(NAME), "unsigned-image").unwrap();
    let refused = stage.update(&one).unwrap_err();
    assert!(refused.contains("not newer"), "{refused}");

    stage.m1.punch(0).unwrap();
    stage.update(&maker.sign("maker", "2", &second)).unwrap();
    stage.written();
    stage.runs("2");
    stage.m1.punch(1).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    // It has proved itself, and goes on being chosen.
    stage.m1.power_off().unwrap();
    stage.runs("2");
    let refused = stage.update(&one).unwrap_err();
    assert!(refused.contains("not newer"), "{refused}");
    stage.alarm(Some(NAME), "downgraded-image").unwrap();

    stage.update(&maker.sign("maker", "3", &bad)).unwrap();
    stage.written();
    // It resets until its tries are used up; then the boot loader goes back.
    stage.m1.switch_on().unwrap();
    stage.written();
    stage.runs("2");
    stage.alarm(Some(NAME), "rolled-back").unwrap();
    stage.m1.punch(2).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    stage.hold().unwrap();
    let log = stage.site.muster(&["device", "log", NAME]).unwrap();
    for event in ["update-refused", "update-taken", "rolled-back  (3)"] {
        assert!(log.contains(event), "{event}: {log}");
    }
}
