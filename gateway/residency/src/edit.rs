//! Small changes to a policy's text: comments, order and everything else stay as they are.

use crate::parse::ParseError;
use crate::policy::Policy;

/// Why a text is not changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EditError {
    /// The text is no policy.
    #[error("{0}")]
    Policy(#[from] ParseError),
    /// It has no number of its own.
    #[error("this text has no version of its own; write it anew by hand")]
    NoVersion,
    /// It has no such permit.
    #[error("the policy has no permit {0}")]
    NoPermit(String),
    /// The line that says where the permit leads was not found.
    #[error("permit {0} is written in an unusual way; change its `to` by hand")]
    Unusual(String),
}

/// The policy's text with another version, and without a parent: it follows what is in force.
pub fn renumbered(text: &str, version: u32) -> Result<String, EditError> {
    let (mut inside, mut done) = (false, false);
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with('[') {
            inside = line.trim() == "[policy]";
        }
        match key(line) {
            "version" if inside && !done => {
                done = true;
                lines.push(format!("version = {version}"));
            }
            "parent" if inside => {}
            _ => lines.push(line.to_owned()),
        }
    }
    if done { Ok(lines.join("\n") + "\n") } else { Err(EditError::NoVersion) }
}

/// The policy's text with one permit that leads elsewhere; the destination may be any word.
pub fn switched(text: &str, permit: &str, to: &str) -> Result<String, EditError> {
    let mut expect = Policy::parse(text)?;
    let found = expect.permits.iter_mut().find(|known| known.id == permit);
    found.ok_or_else(|| EditError::NoPermit(permit.to_owned()))?.to = to.to_owned();
    let lines: Vec<&str> = text.lines().collect();
    let written = format!("to = {}", toml::Value::from(to));
    let with = |at: usize| {
        let before = lines[..at].iter().copied();
        let all = before.chain([written.as_str()]).chain(lines[at + 1..].iter().copied());
        all.map(|line| format!("{line}\n")).collect::<String>()
    };
    let candidates = (0..lines.len()).filter(|at| key(lines[*at]) == "to").map(with);
    let mut right = candidates.filter(|text| Policy::parse(text).is_ok_and(|read| read == expect));
    right.next().ok_or_else(|| EditError::Unusual(permit.to_owned()))
}

/// What stands before the first `=` of a line.
fn key(line: &str) -> &str {
    line.split('=').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHOOL: &str = include_str!("../tests/policies/hk-school.toml");

    #[test]
    fn the_number_alone_changes() {
        let text = "# version = 1\nschema = \"x\"\n[policy]\nid = \"a\"\nversion = 6 # six\n\
                    parent = \"sha256:00\"\n[[site]]\nversion = 6\n";
        let expect = "# version = 1\nschema = \"x\"\n[policy]\nid = \"a\"\nversion = 9\n\
                      [[site]]\nversion = 6\n";
        assert_eq!(renumbered(text, 9).as_deref(), Ok(expect));
        assert_eq!(renumbered("[policy]\nid = \"a\"\n", 9), Err(EditError::NoVersion));
    }

    #[test]
    fn one_permit_of_several_leads_elsewhere_and_nothing_else_changes() {
        let before = Policy::parse(SCHOOL).expect("a policy");
        for permit in &before.permits {
            let text = switched(SCHOOL, &permit.id, "el\"se").expect("switched");
            let after = Policy::parse(&text).expect("a policy");
            let differs = before.permits.iter().zip(&after.permits).filter(|(a, b)| a != b);
            assert_eq!(
                differs.map(|(_, b)| (&*b.id, &*b.to)).collect::<Vec<_>>(),
                [(&*permit.id, "el\"se")]
            );
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
            let changed = lines(SCHOOL).into_iter().zip(lines(&text)).filter(|(a, b)| a != b);
            assert_eq!(changed.count(), 1);
        }
        assert!(before.permits.len() > 1, "a policy of several permits");
        assert_eq!(switched(SCHOOL, "P-NONE", "x"), Err(EditError::NoPermit("P-NONE".into())));
    }

    #[test]
    fn a_text_that_looks_like_the_line_is_not_taken_for_it() {
        let cut = |text: &str| text.replacen("because = \"", "because = \"\"\"\nto = nowhere\n", 1);
        let end = SCHOOL.find("because = \"").expect("a reason") + "because = \"".len();
        let close = end + SCHOOL[end..].find('"').expect("its end");
        let shaped = format!("{}\"\"\"{}", &SCHOOL[..close], &SCHOOL[close + 1..]);
        let shaped = cut(&shaped);
        let permit = &Policy::parse(&shaped).expect("a policy").permits[0].id;
        let text = switched(&shaped, permit, "sg").expect("switched");
        assert!(text.contains("\nto = nowhere\n"));
        assert_eq!(Policy::parse(&text).expect("a policy").permits[0].to, "sg");
    }
}
