use super::*;
use crate::words::{Catalogue, Language};
use encoding_rs::{BIG5, GB18030};
use std::sync::Arc;

fn read_text(kind: Kind, text: &str) -> Result<Vec<PlanEntry>, Vec<(u64, String)>> {
    let find = |number: &str| (number == "00017").then_some(PersonId(5));
    let t = Words::new(Arc::new(Catalogue::embedded()), Language::English);
    let problems = |problems: Vec<TableProblem>| {
        problems.iter().map(|problem| (problem.line, problem.trouble.text(&t))).collect()
    };
    read(kind, text.as_bytes(), "auto", &find).map_err(problems)
}

#[test]
fn examples_are_read() {
    for kind in Kind::ALL {
        let entries = read_text(kind, kind.example()).expect("a table");
        assert!(!entries.is_empty() && Kind::read(kind.word()) == Some(kind));
        assert_eq!(entries[0].person().is_some(), kind.is_personal());
    }
}

#[test]
fn problems_name_line_and_column_and_never_the_value() {
    let check = |kind, text: &str, line: u64, tells: &str| {
        let problems = read_text(kind, text).expect_err(text);
        let found = problems.iter().find(|(l, text)| *l == line && text.contains(tells));
        assert!(found.is_some(), "{text}: {problems:?}");
        assert!(problems.iter().all(|(_, text)| !text.contains("SECRET")), "{problems:?}");
    };
    check(Kind::Leave, "person,when\n", 0, "Column 2");
    check(Kind::Leave, "person\n", 0, "date is missing");
    check(Kind::Leave, "person,date,date\n", 0, "twice");
    check(Kind::Leave, "person,date\nSECRET,2026-12-01\n", 2, "person:");
    check(Kind::Leave, "person,date\n00017,SECRET\n", 2, "date:");
    check(Kind::Leave, "person,date\n00017,1000-01-01\n", 2, "date:");
    check(Kind::Leave, "person,date,part\n00017,2026-12-01,SECRET\n", 2, "part:");
    check(Kind::Leave, "person,date\n00017,2026-12-01\n00017,2026-12-01\n", 3, "line 2");
    check(Kind::Leave, "person,date\n00017,2026-12-01,x,y,z,SECRET\n", 2, "More cells");
    check(Kind::Rosters, "person,from,to,cycle\n00017,2026-12-02,2026-12-01,day\n", 2, "to:");
    check(Kind::Rosters, "person,from,to,cycle\n00017,2026-12-02,,\n", 2, "cycle:");
    check(Kind::Shifts, "shift,parts\nday,09:00\n", 2, "parts:");
    check(Kind::Shifts, "shift,parts\nday,09:00-13:00 12:00-18:00\n", 2, "begins before");
    check(Kind::Shifts, "shift,parts\nday,09:00-49:00\n", 2, "shift:");
    check(Kind::Overtime, "person,date,minutes\n00017,2026-12-01,-5\n", 2, "minutes:");
    check(Kind::Usual, "shift,workdays\nday,1 9\n", 2, "workdays:");
}

#[test]
fn encodings_are_told_apart_or_asked_for() {
    let table = "shift,parts\n早班,09:00-18:00\n";
    let find = |_: &str| None;
    let named = |bytes: &[u8], encoding: &str| {
        read(Kind::Shifts, bytes, encoding, &find).ok().map(|entries| entries[0].clone())
    };
    let expect = named(table.as_bytes(), "auto");
    assert!(expect.is_some());
    let marked = [b"\xef\xbb\xbf", table.as_bytes()].concat();
    assert_eq!(named(&marked, "auto"), expect);
    let (gb, ..) = GB18030.encode(table);
    let (big5, ..) = BIG5.encode(table);
    assert_eq!(named(&gb, "gb18030"), expect);
    assert_eq!(named(&big5, "big5"), expect);
    for bytes in [&gb, &big5] {
        let guessed = named(bytes, "auto");
        assert!(guessed.is_none() || guessed == expect, "asked for, never guessed wrong");
    }
    assert!(named(b"\xff\xfe\xff\xff", "auto").is_none());
    assert!(named(b"shift\0", "auto").is_none());
}

#[test]
fn a_hundred_thousand_lines_are_read_and_more_are_refused() {
    let line = |n: usize| {
        let date =
            jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(n as i64 % 80_000));
        format!("00017,{date},hours,{:02}:00,{:02}:30\n", n / 80_000, n / 80_000)
    };
    let table = |lines: usize| {
        (0..lines).fold("person,date,part,from,to\n".to_owned(), |text, n| text + &line(n))
    };
    assert_eq!(read_text(Kind::Leave, &table(100_000)).map(|entries| entries.len()), Ok(100_000));
    let problems = read_text(Kind::Leave, &table(100_001)).expect_err("too many");
    assert!(problems[0].1.contains("in parts"));
}
