//! The engine that comes with the terminal, as the terminal runs it: a process without a network.

use muster_m2::engine::process::{Process, Spawn, way_out};
use muster_m2::engine::{Engine as _, EngineError, Liveness, Shown, Sighting};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const CAPTURES: &str = r#"
[[capture]]
person = "00017"
liveness = "live"
liveness_score = 9900
score = 9731
image = "00017.jpg"
template = "00017.template"

[[capture]]
after_ms = 10
liveness = "spoof"
"#;

fn captures(folder: &Path) {
    std::fs::write(folder.join("captures.toml"), CAPTURES).unwrap();
    std::fs::write(folder.join("00017.jpg"), vec![0xA1; 100_000]).unwrap();
    std::fs::write(folder.join("00017.template"), vec![0xA2; 512]).unwrap();
}

fn spawn(folder: &Path, program: &str, arguments: &[&str]) -> Spawn {
    Spawn {
        program: program.into(),
        arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
        socket: folder.join("engine.sock"),
    }
}

fn replay(folder: &Path) -> Process {
    captures(folder);
    let captures = folder.to_str().unwrap();
    let program = env!("CARGO_BIN_EXE_muster-m2-replay");
    Process::start(&spawn(folder, program, &["--captures", captures])).unwrap()
}

fn next(engine: &mut Process) -> Sighting {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) {
        if let Some(sighting) = engine.next(Duration::from_millis(50)).unwrap() {
            return sighting;
        }
    }
    panic!("the engine saw nobody")
}

#[test]
fn sightings_come_from_the_engines_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = replay(folder.path());
    assert_eq!(engine.name(), "replay");
    let first = next(&mut engine);
    assert_eq!(first.person.as_deref(), Some("00017"));
    assert_eq!((first.liveness, first.score.map(|s| s.parts())), (Liveness::Live, Some(9_731)));
    let frame = first.frame.unwrap();
    assert_eq!((frame.media.as_str(), frame.data.len()), ("image/jpeg", 100_000));
    assert_eq!(first.template.len(), 512);
    engine.shown(Shown::Granted).unwrap();
    let second = next(&mut engine);
    assert!(second.person.is_none() && second.frame.is_none());
    assert_eq!(second.liveness, Liveness::Spoof);
}

#[test]
fn the_engine_has_no_way_to_any_network() {
    let folder = tempfile::tempdir().unwrap();
    let engine = replay(folder.path());
    assert_eq!(way_out(engine.pid()).unwrap(), None);
    assert!(way_out(std::process::id()).unwrap().is_some());
    // A connection that works from here does not from where the engine is.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connect = format!("exec 3<>/dev/tcp/127.0.0.1/{}", address.port());
    let here = Command::new("bash").args(["-c", &connect]).status().unwrap();
    assert!(here.success());
    let namespace = format!("--net=/proc/{}/ns/net", engine.pid());
    let there = Command::new("nsenter").args([&namespace, "bash", "-c", &connect]).output();
    let there = there.unwrap();
    let said = String::from_utf8_lossy(&there.stderr);
    assert!(!there.status.success() && said.contains("unreachable"), "{said}");
}

#[test]
fn an_engine_that_ends_or_says_nothing_sensible_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let start = |program, arguments: &[&str]| {
        Process::start(&spawn(folder.path(), program, arguments)).err().unwrap()
    };
    assert!(matches!(start("false", &[]), EngineError::Io(_)));
    assert!(matches!(start("no-such-program", &[]), EngineError::Io(_)));
    let missing = folder.path().join("nothing");
    let arguments = ["--captures", missing.to_str().unwrap()];
    let error = start(env!("CARGO_BIN_EXE_muster-m2-replay"), &arguments);
    assert!(error.to_string().contains("ended at once"), "{error}");
}

#[test]
fn the_engine_ends_with_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let engine = replay(folder.path());
    let process = format!("/proc/{}", engine.pid());
    assert!(Path::new(&process).exists());
    drop(engine);
    assert!(!Path::new(&process).exists());
}
