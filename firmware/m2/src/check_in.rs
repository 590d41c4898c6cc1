//! The JSON check-in, version 1.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// How the person showed who they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Method {
    Face,
    Card,
    Pin,
}

/// What the terminal decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Outcome {
    Granted,
    Denied,
    Duress,
}

/// Which way the person went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Direction {
    In,
    Out,
}

/// What a piece of evidence is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum EvidenceKind {
    FaceTemplate,
    FaceImage,
    Score,
}

/// One piece of evidence; neither shown nor compared here.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// What it is.
    pub kind: EvidenceKind,
    /// As `image/jpeg`.
    pub media: &'a str,
    /// The bytes.
    pub data: &'a [u8],
}

/// What the engine hands over for one person at the terminal.
#[derive(Clone, Copy)]
pub struct Capture<'a> {
    /// The person's number, 1 to 48 characters; absent when nobody was recognised.
    pub person: Option<&'a str>,
    /// When, RFC 3339 with the terminal's offset.
    pub at: &'a str,
    /// How.
    pub method: Method,
    /// What was decided.
    pub outcome: Outcome,
    /// Which way, where the terminal knows.
    pub direction: Option<Direction>,
    /// False for what was stored before and sent later.
    pub live: bool,
    /// Whether the terminal's clock may be wrong.
    pub unsure_clock: bool,
    /// The evidence.
    pub evidence: &'a [Evidence<'a>],
}

#[derive(Serialize)]
struct CheckIn<'a> {
    v: u8,
    boot: u32,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<&'a str>,
    at: &'a str,
    method: Method,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    live: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<Piece<'a>>,
}

#[derive(Serialize)]
struct Piece<'a> {
    kind: EvidenceKind,
    media: &'a str,
    data: String,
}

/// The check-in as the box takes it.
pub(crate) fn json(boot: u32, seq: u64, capture: &Capture<'_>) -> Vec<u8> {
    let check_in = CheckIn {
        v: 1,
        boot,
        seq,
        person: capture.person,
        at: capture.at,
        method: capture.method,
        outcome: capture.outcome,
        direction: capture.direction,
        live: capture.live,
        clock: capture.unsure_clock.then_some("unsure"),
        evidence: capture.evidence.iter().map(piece).collect(),
    };
    // Nothing in these types can fail to serialise.
    serde_json::to_vec(&check_in).unwrap_or_default()
}

fn piece<'a>(evidence: &Evidence<'a>) -> Piece<'a> {
    let Evidence { kind, media, data } = *evidence;
    Piece { kind, media, data: STANDARD.encode(data) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_in_is_as_documented() {
        let capture = Capture {
            person: Some("00017"),
            at: "2026-12-01T08:59:31+08:00",
            method: Method::Face,
            outcome: Outcome::Granted,
            direction: Some(Direction::In),
            live: true,
            unsure_clock: false,
            evidence: &[Evidence {
                kind: EvidenceKind::FaceImage,
                media: "image/jpeg",
                data: b"ab",
            }],
        };
        let expect = r#"{"v":1,"boot":3,"seq":1042,"person":"00017","at":"2026-12-01T08:59:31+08:00","method":"face","outcome":"granted","direction":"in","live":true,"evidence":[{"kind":"face-image","media":"image/jpeg","data":"YWI="}]}"#;
        assert_eq!(String::from_utf8(json(3, 1042, &capture)).unwrap(), expect);
        let nobody = Capture {
            person: None,
            direction: None,
            evidence: &[],
            outcome: Outcome::Denied,
            unsure_clock: true,
            ..capture
        };
        let expect = r#"{"v":1,"boot":3,"seq":1,"at":"2026-12-01T08:59:31+08:00","method":"face","outcome":"denied","live":true,"clock":"unsure"}"#;
        assert_eq!(String::from_utf8(json(3, 1, &nobody)).unwrap(), expect);
    }
}
