//! A support bundle is searched for everything personal that was planted.

use crate::stage::{Stage, until};
use anyhow::{Result, ensure};
use muster_tests::mqtt;
use muster_tests::office;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

const NAME: &str = "Lei Ka Hou";
const NUMBER: &str = "48815162342";
const EVIDENCE: &str = "c29tZWJvZHkncyBmYWNl";
const TERMINAL: &str = "gate-of-lei-ka-hou";

#[test]
fn nothing_personal_is_in_a_bundle() -> Result<()> {
    let stage = Stage::new(|_, _| Ok(()))?;
    let staff = stage.folder.path().join("staff.csv");
    std::fs::write(&staff, format!("person,name\n{NUMBER},{NAME}\n"))?;
    stage.site.muster(&["person", "import", office::as_text(&staff)?])?;
    let gateway = stage.start()?;
    let mut stream = TcpStream::connect(gateway.loopback()?)?;
    stream.write_all(&mqtt::connect(TERMINAL, 60))?;
    let punch = format!(
        "{{\"v\":1,\"boot\":1,\"seq\":1,\"person\":\"{NUMBER}\",\
         \"at\":\"2026-11-27T09:00:00+08:00\",\"method\":\"face\",\"outcome\":\"granted\",\
         \"evidence\":[{{\"kind\":\"face-image\",\"media\":\"image/jpeg\",\"data\":\"{EVIDENCE}\"}}]}}"
    );
    let topic = format!("muster/1/{TERMINAL}/checkin");
    stream.write_all(&mqtt::publish(&topic, 1, false, punch.as_bytes()))?;
    let _ = stream.read(&mut [0; 64])?;
    until("the punch", || Ok(stage.site.json(&["status", "--json"])?["records"] == 1))?;
    let bundle = stage.folder.path().join("support.tar");
    let output = stage.site.output(&["doctor", "--bundle", office::as_text(&bundle)?])?;
    ensure!(bundle.exists(), "{output:?}");
    let bytes = std::fs::read(&bundle)?;
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    let folder = stage.folder.path().display().to_string();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
    for planted in
        [NAME, NUMBER, EVIDENCE, TERMINAL, "hk-test", "somebody's face", &folder, host.trim()]
    {
        ensure!(!text.contains(&planted.to_lowercase()), "{planted} is in the bundle");
    }
    // It is of use all the same.
    for part in ["doctor.json", "metrics.txt", "muster_punches_total", "box.site", "\"journal\""] {
        ensure!(text.contains(part), "{part} is missing");
    }
    ensure!(std::fs::metadata(&bundle)?.permissions().mode() & 0o777 == 0o600);
    Ok(())
}
