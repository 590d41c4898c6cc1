//! One M2's MQTT session, without a socket: packets in, what to do out.
//!
//! MQTT 3.1.1, as much of it as an M2 needs: messages of QoS 1 on its own check-in topic, which
//! are acknowledged when they are on disk, and its own receipts and commands. Everything else ends
//! the session.

use crate::topic;
use rumqttc::{
    ConnAck, ConnectReturnCode, Packet, PubAck, Publish, QoS, SubAck, SubscribeReasonCode, UnsubAck,
};
use std::time::Duration;

/// What the listener does next.
#[derive(PartialEq, Debug)]
pub(crate) enum Step {
    /// Sends this.
    Say(Packet),
    /// Puts the message on disk, and acknowledges it if that worked.
    Store { id: u16, message: Vec<u8> },
    /// Sends what is there, then closes.
    Close(Option<Packet>),
}

/// The session of the device that the certificate names.
pub(crate) struct Session {
    device: String,
    open: bool,
    /// Which of its two topics it listens on: receipts, commands.
    listens: [bool; 2],
    /// How long it may be silent.
    pub(crate) patience: Duration,
}

const TOPICS: [&str; 2] = ["receipt", "command"];
/// Silence that ends a session whose client asked for no limit, or a longer one.
const LONGEST_SILENCE: Duration = Duration::from_secs(300);

impl Session {
    pub(crate) fn new(device: String, first: Duration) -> Self {
        Self { device, open: false, listens: [false; 2], patience: first }
    }

    /// Takes a packet.
    pub(crate) fn take(&mut self, packet: Packet) -> Step {
        match packet {
            Packet::Connect(connect) if !self.open => {
                if connect.client_id != self.device {
                    let no = ConnAck::new(ConnectReturnCode::BadClientId, false);
                    return Step::Close(Some(Packet::ConnAck(no)));
                }
                self.open = true;
                let asked = Duration::from_millis(u64::from(connect.keep_alive) * 1500);
                let bounded = asked.min(LONGEST_SILENCE);
                self.patience = if asked.is_zero() { LONGEST_SILENCE } else { bounded };
                Step::Say(Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false)))
            }
            _ if !self.open => Step::Close(None),
            Packet::Publish(publish) => self.publish(publish),
            Packet::Subscribe(subscribe) => {
                let codes = subscribe.filters.iter().map(|f| self.subscribe(&f.path)).collect();
                Step::Say(Packet::SubAck(SubAck::new(subscribe.pkid, codes)))
            }
            Packet::Unsubscribe(unsubscribe) => {
                Step::Say(Packet::UnsubAck(UnsubAck::new(unsubscribe.pkid)))
            }
            Packet::PingReq => Step::Say(Packet::PingResp),
            _ => Step::Close(None),
        }
    }

    fn publish(&mut self, publish: Publish) -> Step {
        let own = publish.topic == topic(&self.device, "checkin");
        if !own || publish.qos != QoS::AtLeastOnce || publish.pkid == 0 {
            return Step::Close(None);
        }
        Step::Store { id: publish.pkid, message: publish.payload.to_vec() }
    }

    fn subscribe(&mut self, filter: &str) -> SubscribeReasonCode {
        for (what, listens) in TOPICS.iter().zip(&mut self.listens) {
            if filter == topic(&self.device, what) {
                *listens = true;
                return SubscribeReasonCode::Success(QoS::AtMostOnce);
            }
        }
        SubscribeReasonCode::Failure
    }

    /// The packet that carries an answer of the box, if the device listens; a command goes to the
    /// command topic.
    pub(crate) fn answer(&self, command: bool, sealed: Vec<u8>) -> Option<Packet> {
        let at = usize::from(command);
        let (what, listens) = (TOPICS.get(at)?, self.listens.get(at)?);
        let publish = || Publish::new(topic(&self.device, what), QoS::AtMostOnce, sealed);
        listens.then(publish).map(Packet::Publish)
    }

    /// The acknowledgement of message `id`.
    pub(crate) fn stored(id: u16) -> Packet {
        Packet::PubAck(PubAck::new(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rumqttc::{Connect, Subscribe};

    fn session() -> Session {
        let mut session = Session::new("m2".into(), Duration::from_secs(1));
        let step = session.take(Packet::Connect(Connect::new("m2")));
        assert!(matches!(step, Step::Say(Packet::ConnAck(_))));
        session
    }

    fn publish(topic: &str, qos: QoS, id: u16) -> Packet {
        let mut publish = Publish::new(topic, qos, "x");
        publish.pkid = id;
        Packet::Publish(publish)
    }

    #[test]
    fn nothing_comes_before_connect_and_no_other_name() {
        let mut session = Session::new("m2".into(), Duration::from_secs(1));
        assert_eq!(session.take(Packet::PingReq), Step::Close(None));
        let step = session.take(Packet::Connect(Connect::new("m3")));
        let refused =
            |p: &Packet| matches!(p, Packet::ConnAck(a) if a.code != ConnectReturnCode::Success);
        assert!(matches!(step, Step::Close(Some(packet)) if refused(&packet)));
    }

    #[test]
    fn only_its_own_check_ins_of_qos_1() {
        let check = |topic: &str, qos, id, taken: bool| {
            let step = session().take(publish(topic, qos, id));
            assert_eq!(matches!(step, Step::Store { .. }), taken, "{topic}");
            assert_eq!(step == Step::Close(None), !taken, "{topic}");
        };
        check("muster/1/m2/checkin", QoS::AtLeastOnce, 7, true);
        check("muster/1/m3/checkin", QoS::AtLeastOnce, 7, false);
        check("muster/1/m2/receipt", QoS::AtLeastOnce, 7, false);
        check("muster/1/m2/checkin", QoS::AtMostOnce, 0, false);
        check("muster/1/m2/checkin", QoS::ExactlyOnce, 7, false);
    }

    #[test]
    fn it_hears_what_is_its_own_once_it_listens() {
        let mut session = session();
        assert_eq!(session.answer(false, vec![1]), None);
        let asked = Subscribe::new_many(
            ["muster/1/m2/receipt", "muster/1/m1/receipt", "muster/1/+/receipt"]
                .map(|t| rumqttc::SubscribeFilter::new(t.into(), QoS::AtMostOnce)),
        );
        let Step::Say(Packet::SubAck(ack)) = session.take(Packet::Subscribe(asked)) else {
            panic!("no SUBACK")
        };
        let granted = SubscribeReasonCode::Success(QoS::AtMostOnce);
        let refused = SubscribeReasonCode::Failure;
        assert_eq!(ack.return_codes, [granted, refused, refused]);
        assert!(session.answer(false, vec![1]).is_some());
        assert_eq!(session.answer(true, vec![1]), None);
    }
}
