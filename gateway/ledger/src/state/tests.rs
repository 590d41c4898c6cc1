//! The state is a function of the journal: from a checkpoint and the rest it is what it is from
//! the whole, whatever was applied.

use super::decisions::Ruling;
use super::dedupe::Seen;
use super::*;
use crate::quarantine::SEQ_CONFLICT;
use muster_attendance::{Attendance, DeviceClock, DeviceId, DeviceTime, Method, Outcome, PersonId};
use muster_residency::vocab::Verdict;
use proptest::prelude::*;

fn punch(seq: u64) -> Attendance {
    Attendance {
        device: DeviceId(1 + (seq % 3) as u32),
        boot: 1,
        seq: seq / 3,
        person: Some(PersonId(seq)),
        at: DeviceTime { seconds: 1, offset_minutes: 0 },
        received_ms: 1_000 + seq as i64,
        method: Method::Card,
        outcome: Outcome::Granted,
        direction: None,
        live: seq.is_multiple_of(2),
        clock: DeviceClock::Ok,
    }
}

/// Numbers 1 to 4: held, to sg, to hk, a conflict.
fn decided() -> Vec<Act> {
    let forward = |to: &str| {
        let mut ruling = Ruling::hold("-");
        ruling.decision.decision = Verdict::Forward;
        ruling.decision.destination = Some(to.into());
        ruling
    };
    let rulings = [Ruling::hold("H"), forward("sg"), forward("hk"), Ruling::hold(SEQ_CONFLICT)];
    let act = |(id, ruling): (u32, Ruling)| Act::Decided {
        id,
        decision: serde_json::to_value(ruling).unwrap_or_default(),
    };
    (1..).zip(rulings).map(act).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Facts(Vec<u32>),
    Redecide(u32, u64, u64),
    Dispatch(u64, u64),
    Settle(u64, u64),
    Reject(u64),
    Pause(bool),
    Refuse,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(1u32..5, 1..20).prop_map(Step::Facts),
        2 => (1u32..4, 1u64..60, 1u64..6).prop_map(|(d, first, n)| Step::Redecide(d, first, n)),
        2 => (1u64..60, 1u64..6).prop_map(|(first, n)| Step::Dispatch(first, n)),
        2 => (1u64..60, 1u64..6).prop_map(|(first, n)| Step::Settle(first, n)),
        1 => (1u64..60).prop_map(Step::Reject),
        1 => any::<bool>().prop_map(Step::Pause),
        1 => Just(Step::Refuse),
    ]
}

fn apply(state: &mut State, step: &Step, at_ms: i64) {
    let to = || "sg".to_owned();
    let act = match step {
        Step::Facts(decisions) => {
            let first = state.next_record.max(1);
            let fact = |(n, &decision): (u64, &u32)| Fact::punch(punch(n), decision, decision == 4);
            let facts: Vec<Fact> = (first..).zip(decisions).map(fact).collect();
            state.remember(first, &facts);
            return state.apply_facts(1 + (at_ms / 8) as u16, first, &facts, false);
        }
        Step::Redecide(decision, first, count) => {
            Act::Redecided { decision: *decision, records: vec![(*first, *count)] }
        }
        Step::Dispatch(first, count) => Act::Dispatched {
            destination: to(),
            decision: vec![2; *count as usize],
            records: (*first..first + count).collect(),
            digests: (0..*count).map(|n| Digest([n as u8; 32])).collect(),
            reserved: Vec::new(),
            attestation: None,
            lanes: Vec::new(),
        },
        Step::Settle(first, count) => Act::Settled {
            destination: to(),
            accepted: vec![(*first, *count)],
            receipts: Vec::new(),
            rejected: Vec::new(),
        },
        Step::Reject(record) => Act::Settled {
            destination: to(),
            accepted: Vec::new(),
            receipts: Vec::new(),
            rejected: vec![(*record, "no".into())],
        },
        Step::Pause(true) => {
            Act::Paused { destination: to(), reason: PauseReason::Down("x".into()) }
        }
        Step::Pause(false) => Act::Paused {
            destination: to(),
            reason: PauseReason::WrongRegion("cn-hangzhou".into()),
        },
        Step::Refuse => Act::Refused {
            device: None,
            boot: None,
            seq: None,
            reason: RefusalReason::BadTime,
            length: 1,
            count: 2,
        },
    };
    state.apply_act(&act, at_ms);
}

fn restored(state: &State) -> State {
    let bytes = checkpoint::write(state, &[vec![7]]).expect("a checkpoint");
    let (state, tables) = checkpoint::read(&bytes).expect("its state");
    assert_eq!(tables, [vec![7]]);
    state
}

fn agree(a: &mut State, b: &mut State) -> Result<(), TestCaseError> {
    prop_assert_eq!(a.next_record, b.next_record);
    prop_assert_eq!(&a.refused, &b.refused);
    for record in 0..a.next_record + 10 {
        prop_assert_eq!(a.standing.find(record), b.standing.find(record));
        prop_assert_eq!(a.standing.decision(record, 1), b.standing.decision(record, 1));
        prop_assert_eq!(a.event_id(record, 5), b.event_id(record, 5));
        let (x, y) = (
            a.dedupe.check(&punch(record), |x, y| x == y),
            b.dedupe.check(&punch(record), |x, y| x == y),
        );
        prop_assert_eq!(x == Seen::New, y == Seen::New);
    }
    for (x, y) in a.standing.queues().iter().zip(b.standing.queues()) {
        prop_assert_eq!(
            (&x.destination, &x.queued, x.settled, x.rejected, &x.paused, x.last_settled_ms),
            (&y.destination, &y.queued, y.settled, y.rejected, &y.paused, y.last_settled_ms)
        );
        for record in 0..a.next_record + 10 {
            prop_assert_eq!(x.sent(record), y.sent(record));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_checkpoint_and_the_rest_give_what_the_whole_gives(
        steps in prop::collection::vec(step(), 1..40),
        cut in 0usize..40,
    ) {
        let mut whole = State::default();
        decided().iter().for_each(|act| whole.apply_act(act, 0));
        let mut resumed = restored(&whole);
        for (at, step) in steps.iter().enumerate() {
            if at == cut {
                resumed = restored(&resumed);
            }
            apply(&mut whole, step, at as i64);
            apply(&mut resumed, step, at as i64);
        }
        agree(&mut whole, &mut resumed)?;
        agree(&mut whole, &mut restored(&resumed))?;
    }

    #[test]
    fn bytes_that_are_no_checkpoint_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok((state, _)) = checkpoint::read(&bytes) {
            prop_assert!(state.next_record < u64::MAX);
        }
    }
}
