//! What happens before the camera: a sighting is judged, becomes a punch on disk, and only then is
//! it shown and the door opened.

use crate::check_in::{Capture, Direction, Evidence, EvidenceKind, Method, Outcome};
use crate::engine::{Liveness, Score, Shown, Sighting};
use muster_terminal::panel::Signal;

/// Media type of the evidence that says how the engine judged liveness.
pub const LIVENESS_MEDIA: &str = "text/liveness";

/// When somebody is let in.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether the engine must have found them alive.
    pub require_live: bool,
    /// The least match.
    pub least_score: Score,
}

/// What a sighting comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Judgement<'a> {
    /// Who; nobody where it cannot be known that they stood there.
    pub person: Option<&'a str>,
    /// What was decided.
    pub outcome: Outcome,
}

/// Judges a sighting. A picture of somebody is not that person: a spoof, and what was not judged
/// where it must be, is an attempt by nobody.
pub fn judge<'a>(policy: Policy, sighting: &'a Sighting) -> Judgement<'a> {
    let alive = match sighting.liveness {
        Liveness::Live => true,
        Liveness::Spoof => false,
        Liveness::NotJudged => !policy.require_live,
    };
    let least = policy.least_score.parts();
    let matches = least == 0 || sighting.score.is_some_and(|score| score.parts() >= least);
    let person = sighting.person.as_deref().filter(|_| alive && matches);
    Judgement { person, outcome: if person.is_some() { Outcome::Granted } else { Outcome::Denied } }
}

/// A judged sighting with its texts.
pub struct Punch<'a> {
    sighting: &'a Sighting,
    judgement: Judgement<'a>,
    score: Option<String>,
    liveness: String,
}

impl<'a> Punch<'a> {
    /// Judges.
    pub fn of(policy: Policy, sighting: &'a Sighting) -> Self {
        let ratio = |score: Score| format!("{:.4}", f64::from(score.parts()) / 10_000.0);
        let liveness = match sighting.liveness {
            Liveness::Live => "live",
            Liveness::Spoof => "spoof",
            Liveness::NotJudged => "not-judged",
        };
        let liveness = match sighting.liveness_score {
            Some(score) => format!("{liveness} {}", ratio(score)),
            None => liveness.to_owned(),
        };
        let judgement = judge(policy, sighting);
        Self { sighting, judgement, score: sighting.score.map(ratio), liveness }
    }

    /// What goes to the box, at a time as RFC 3339 has it: picture, template, score, liveness.
    pub fn capture<T>(
        &self,
        at: &str,
        unsure_clock: bool,
        direction: Option<Direction>,
        take: impl FnOnce(&Capture<'_>) -> T,
    ) -> T {
        let frame = self.sighting.frame.as_ref();
        let pieces = [
            frame.map(|f| (EvidenceKind::FaceImage, f.media.as_str(), f.data.as_slice())),
            Some((EvidenceKind::FaceTemplate, "", self.sighting.template.as_slice())),
            self.score.as_ref().map(|s| (EvidenceKind::Score, "text/plain", s.as_bytes())),
            Some((EvidenceKind::Score, LIVENESS_MEDIA, self.liveness.as_bytes())),
        ];
        let pieces = pieces.into_iter().flatten().filter(|(.., data)| !data.is_empty());
        let evidence: Vec<_> =
            pieces.map(|(kind, media, data)| Evidence { kind, media, data }).collect();
        let Judgement { person, outcome } = self.judgement;
        let method = Method::Face;
        let live = true;
        let evidence = &evidence;
        take(&Capture { person, at, method, outcome, direction, live, unsure_clock, evidence })
    }

    /// What the person and the engine are told, given whether the punch is on disk.
    pub fn shown(&self, stored: bool) -> (Signal, Shown) {
        match (stored, self.judgement.outcome) {
            (false, _) => (Signal::Refused, Shown::NotStored),
            (true, Outcome::Denied) => (Signal::Denied, Shown::Denied),
            (true, Outcome::Granted | Outcome::Duress) => (Signal::Accepted, Shown::Granted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Frame;
    use zeroize::Zeroizing;

    fn sighting(person: Option<&str>, liveness: Liveness, score: Option<u16>) -> Sighting {
        Sighting {
            person: person.map(String::from),
            liveness,
            liveness_score: Score::new(9_900),
            score: score.and_then(Score::new),
            frame: Some(Frame { media: "image/jpeg".into(), data: Zeroizing::new(vec![1]) }),
            template: Zeroizing::new(vec![2]),
        }
    }

    fn policy(require_live: bool, least: u16) -> Policy {
        Policy { require_live, least_score: Score::new(least).unwrap() }
    }

    #[test]
    fn judgements() {
        use Liveness::{Live, NotJudged, Spoof};
        let check = |policy, person, liveness, score, granted: bool| {
            let seen = sighting(person, liveness, score);
            let found = judge(policy, &seen);
            let expect = if granted { Outcome::Granted } else { Outcome::Denied };
            assert_eq!((found.person.is_some(), found.outcome), (granted, expect));
        };
        let strict = policy(true, 9_000);
        check(strict, Some("1"), Live, Some(9_000), true);
        check(strict, Some("1"), Live, Some(8_999), false);
        check(strict, Some("1"), Live, None, false);
        check(strict, Some("1"), Spoof, Some(10_000), false);
        check(strict, Some("1"), NotJudged, Some(10_000), false);
        check(strict, None, Live, Some(10_000), false);
        check(policy(false, 0), Some("1"), NotJudged, None, true);
        check(policy(false, 0), Some("1"), Spoof, None, false);
    }

    #[test]
    fn all_that_was_seen_is_evidence_even_of_a_spoof() {
        let seen = sighting(Some("00017"), Liveness::Spoof, Some(9_731));
        let punch = Punch::of(policy(true, 0), &seen);
        punch.capture("2026-12-01T08:59:31+08:00", false, None, |capture| {
            assert_eq!((capture.person, capture.outcome), (None, Outcome::Denied));
            let texts: Vec<_> = capture.evidence.iter().map(|e| (e.media, e.data)).collect();
            let expect: [(&str, &[u8]); 4] = [
                ("image/jpeg", &[1]),
                ("", &[2]),
                ("text/plain", b"0.9731"),
                (LIVENESS_MEDIA, b"spoof 0.9900"),
            ];
            assert_eq!(texts, expect);
        });
        assert_eq!(punch.shown(true), (Signal::Denied, Shown::Denied));
        assert_eq!(punch.shown(false), (Signal::Refused, Shown::NotStored));
    }
}
