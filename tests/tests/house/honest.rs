//! The checks themselves, on houses that are wrong.

use super::*;

/// Whether a made-up crate with these manifest lines breaks an edge, and which.
#[track_caller]
fn check(name: &str, manifest: &str, expect: Option<&str>) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    fs::write(dir.path().join("src/lib.rs"), "").unwrap();
    let head = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n[workspace]\n");
    fs::write(dir.path().join("Cargo.toml"), head + manifest).unwrap();
    let broken = broken_edges(&packages(dir.path()));
    assert_eq!(broken.first().map(String::as_str), expect, "{manifest}");
}

#[test]
fn a_broken_edge_is_seen_however_it_is_written() {
    let page = |manifest, expect| check("muster-console", manifest, expect);
    page("[dependencies]\nmuster-ledger = \"1\"\naxum = \"0.8\"", None);
    page("[dev-dependencies]\nmuster-intake = \"1\"", None);
    let proto = Some("muster-console may not name muster-proto");
    page("[dependencies]\nmuster-proto = \"1\"", proto);
    page("[dependencies]\nwire = { package = \"muster-proto\", version = \"1\" }", proto);
    page("[dependencies]\nmuster-proto = { version = \"1\", optional = true }", proto);
    page("[build-dependencies]\nmuster-proto = \"1\"", proto);
    page("[target.'cfg(windows)'.dependencies]\nmuster-proto = \"1\"", proto);
    page(
        "[dependencies]\nmuster-intake = \"1\"",
        Some("muster-console may not name muster-intake"),
    );
    page("[dependencies]\nmuster = \"1\"", Some("muster-console may not name muster"));
}

#[test]
fn what_is_confined_and_what_is_pure_stay_so() {
    let sled = "[dependencies]\nsled = \"0.34\"";
    check("muster-ledger", sled, None);
    check(
        "muster-uplink",
        sled,
        Some("muster-uplink may not name sled: [(\"sled\", [\"muster-ledger\"])]"),
    );
    let tokio = "[dependencies]\ntokio = \"1\"";
    check("muster-uplink", tokio, None);
    check("muster-residency", tokio, Some("muster-residency is pure and may not use tokio"));
    check(
        "muster-common",
        "[dependencies]\nserde = \"1\"",
        Some("muster-common is not on the map"),
    );
}

#[test]
fn locks_that_disagree_are_seen() {
    let lock = |version| format!("[[package]]\nname = \"crc\"\nversion = \"{version}\"\n");
    let check = |one, other, expect: &[&str]| {
        assert_eq!(disagreements(&lock(one), &lock(other)), expect);
    };
    check("3.4.0", "3.4.0", &[]);
    check("3.4.0", "2.1.0", &[]);
    check("0.8.1", "0.9.1", &[]);
    check("3.4.0", "3.4.1", &["crc: 3.4.0 here, 3.4.1 in the main lock"]);
    check("0.8.1", "0.8.2", &["crc: 0.8.1 here, 0.8.2 in the main lock"]);
}

#[test]
fn paths_of_one_machine_are_known_from_others() {
    for folder in MACHINE_FOLDERS {
        assert!(machine_path(&format!("open(\"/{folder}/x\")")));
        assert!(machine_path(&format!("dir = '/{folder}'")));
        assert!(machine_path(&format!("/{folder}/x")));
        assert!(!machine_path(&format!("https://region.example/{folder}/x")));
        assert!(!machine_path(&format!("and/or src/{folder}/x")));
        assert!(!machine_path(&format!("\"/{folder}place/x\"")));
    }
}

#[test]
fn a_catalogue_that_differs_is_seen() {
    let english = catalogue("# Words\nbye = Bye\nhi = Hi { $name }\n    .title = { $n } hi\n");
    let check = |other: &str, expect: &[&str]| {
        assert_eq!(differences(&english, &catalogue(other), "x"), expect);
    };
    check("bye = Adeus\nhi = Oi\n    .title = oi { $n }", &[]);
    check("hi = Oi\n    .title = oi", &["x: no bye"]);
    check("bye = Adeus\nhi = Oi", &["x: no hi.title"]);
    check("bye = a\nhi = b\n    .title = c\nyo = d", &["x: yo is not in en.ftl"]);
    check("bye = a\nhi =\n    b { $who }\n    .title = c", &["x: hi is not given $who"]);
}
