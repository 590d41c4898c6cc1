//! What SUBSCRIBE and UNSUBSCRIBE ask for.

use super::Step;
use crate::mqtt::packet::Fault;
use mqtt_protocol_core::mqtt::packet::{MqttString, Property, SubEntry, SubOpts, v3_1_1, v5_0};
use mqtt_protocol_core::mqtt::result_code::SubackReasonCode;

/// Begins the filters of shared subscriptions (MQTT 5, section 4.8.2).
const SHARED: &str = "$share/";

/// One entry of a SUBSCRIBE.
pub(in crate::mqtt) struct Filter {
    pub(in crate::mqtt) text: String,
    /// Decided before the topic was looked at.
    pub(in crate::mqtt) refusal: Option<SubackReasonCode>,
}

pub(super) fn subscribe_v3<'a>(subscribe: &v3_1_1::Subscribe) -> Result<Step<'a>, Fault> {
    // Section 3.8.3: all bits but those of the quality are reserved.
    let reserved = |opts: &SubOpts| opts.to_buffer().iter().any(|bits| bits & !0b11 != 0);
    if subscribe.entries().iter().any(|entry| reserved(entry.sub_opts())) {
        return Err(Fault::MalformedPacket);
    }
    step(subscribe.packet_id(), subscribe.entries(), None)
}

pub(super) fn subscribe_v5<'a>(subscribe: &v5_0::Subscribe) -> Result<Step<'a>, Fault> {
    let numbered = |p: &&Property| matches!(p, Property::SubscriptionIdentifier(_));
    let refusal = match subscribe.props().iter().filter(numbered).count() {
        0 => None,
        1 => Some(SubackReasonCode::SubscriptionIdentifiersNotSupported),
        _ => return Err(Fault::ProtocolError),
    };
    // Section 3.8.3.1: whoever shares a subscription cannot ask not to hear itself.
    let deaf = |e: &SubEntry| e.topic_filter().starts_with(SHARED) && e.sub_opts().nl();
    if subscribe.entries().iter().any(deaf) {
        return Err(Fault::ProtocolError);
    }
    step(subscribe.packet_id(), subscribe.entries(), refusal)
}

fn step<'a>(
    id: u16,
    entries: &[SubEntry],
    refusal: Option<SubackReasonCode>,
) -> Result<Step<'a>, Fault> {
    if id == 0 {
        return Err(Fault::ProtocolError);
    }
    let filters = entries.iter().map(|entry| filter(entry.topic_filter(), refusal));
    Ok(Step::Subscribe { id, filters: filters.collect::<Result<_, _>>()? })
}

/// What is not supported is refused in SUBACK (section 3.9.3), filter by filter: closing the
/// connection, which section 3.2.2.3 allows too, would take good subscriptions with it.
fn filter(text: &str, refusal: Option<SubackReasonCode>) -> Result<Filter, Fault> {
    check_filter(text)?;
    let refusal = refusal.or_else(|| {
        if text.starts_with(SHARED) {
            Some(SubackReasonCode::SharedSubscriptionsNotSupported)
        } else if text.contains(['+', '#']) {
            Some(SubackReasonCode::WildcardSubscriptionsNotSupported)
        } else {
            None
        }
    });
    Ok(Filter { text: text.to_owned(), refusal })
}

/// Section 4.7: not empty, no NUL, wildcards only where they stand for whole levels.
fn check_filter(text: &str) -> Result<(), Fault> {
    if text.is_empty() || text.contains('\0') {
        return Err(Fault::MalformedPacket);
    }
    let mut levels = text.split('/').peekable();
    while let Some(level) = levels.next() {
        let hash = level.contains('#') && (level != "#" || levels.peek().is_some());
        if hash || (level.contains('+') && level != "+") {
            return Err(Fault::TopicFilterInvalid);
        }
    }
    Ok(())
}

pub(super) fn unsubscribe<'a>(id: u16, entries: &[MqttString]) -> Result<Step<'a>, Fault> {
    if id == 0 {
        return Err(Fault::ProtocolError);
    }
    let filters: Vec<String> = entries.iter().map(|e| e.as_str().to_owned()).collect();
    filters.iter().try_for_each(|text| check_filter(text))?;
    Ok(Step::Unsubscribe { id, filters })
}
