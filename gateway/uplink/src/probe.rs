//! A region looked at step by step, for the doctor: each step with what was seen, up to the first
//! that fails. Nothing of anybody is sent: the dry run is an array of no parcels.

use crate::region::{Connector, Region};
use crate::tls::{Proof, RegionTls};
use crate::{CONNECT_TIMEOUT, SETTLE_TIMEOUT, http};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, header};
use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS, TlsConfiguration, Transport,
};
use rustls::pki_types::{CertificateDer, ServerName};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// An array of no parcels.
const NOTHING: &str = "[]";
/// Addresses of one name that are told.
const MAX_ADDRESSES: usize = 4;

/// A step on the way to a region, in their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The host's name has an address.
    Name,
    /// Something listens there.
    Connect,
    /// It speaks TLS 1.3.
    Tls,
    /// Its certificate is in date, of this host and vouched for.
    Certificate,
    /// The certificate proves the region that the policy names.
    Region,
    /// It lets this box in.
    Login,
    /// It acknowledges a message, one that holds no record.
    DryRun,
}

/// A step with what was seen, or why it failed.
pub type Seen = (Step, Result<String, String>);

/// When the peer's certificate ends, seconds since 1970.
pub type Ends = Option<i64>;

/// Looks at `region`. `expected` is the region that the policy names for the destination; without
/// one, and for DingTalk, whose every call counts against a quota, nothing is asked after TLS.
pub async fn probe(
    region: &Region,
    destination: &str,
    expected: Option<&str>,
) -> (Vec<Seen>, Ends) {
    let mut seen = Vec::new();
    let mut ends = None;
    // What ended the probe is in `seen`.
    let _ = steps(region, destination, expected, &mut seen, &mut ends).await;
    (seen, ends)
}

async fn steps(
    region: &Region,
    destination: &str,
    expected: Option<&str>,
    seen: &mut Vec<Seen>,
    ends: &mut Ends,
) -> Option<()> {
    let addresses = note(seen, Step::Name, resolve(region).await)?;
    let stream = note(seen, Step::Connect, connect(&addresses).await)?;
    let proof = match (region.connector, expected) {
        (Connector::Mqtt | Connector::Https, Some(expected)) => Proof::Region(expected),
        _ => Proof::Contract,
    };
    let tls = RegionTls::new(region, proof).map_err(|error| error.to_string());
    let tls = note(seen, Step::Tls, tls.map(|tls| (String::new(), tls)))?;
    seen.pop();
    *ends = shake_hands(region, &tls, stream, seen).await?;
    let told = match proof {
        Proof::Region(expected) => expected.to_owned(),
        Proof::Contract => "by contract, or not named by the policy; not verified".to_owned(),
    };
    note(seen, Step::Region, Ok((told, ())))?;
    if expected.is_none() {
        return Some(());
    }
    match region.connector {
        Connector::Mqtt => mqtt(region, destination, &tls, seen).await,
        Connector::Https => https(region, &tls, seen).await,
        Connector::Dingtalk => Some(()),
    }
}

/// Enters a step; goes on where it was done.
fn note<T>(seen: &mut Vec<Seen>, step: Step, done: Result<(String, T), String>) -> Option<T> {
    match done {
        Ok((told, value)) => {
            seen.push((step, Ok(told)));
            Some(value)
        }
        Err(why) => {
            seen.push((step, Err(why)));
            None
        }
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let done = timeout(limit, work).await;
    done.unwrap_or_else(|_| Err(format!("no answer within {} s", limit.as_secs())))
}

async fn resolve(region: &Region) -> Result<(String, Vec<SocketAddr>), String> {
    let (host, port) = (region.address.host.as_str(), region.address.port);
    let found = async { tokio::net::lookup_host((host, port)).await.map_err(|e| e.to_string()) };
    let found: Vec<SocketAddr> =
        within(CONNECT_TIMEOUT, found).await?.take(MAX_ADDRESSES).collect();
    if found.is_empty() {
        return Err(format!("{host} has no address"));
    }
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    Ok((told.join(", "), found))
}

async fn connect(addresses: &[SocketAddr]) -> Result<(String, TcpStream), String> {
    let work = async { TcpStream::connect(addresses).await.map_err(|e| e.to_string()) };
    let stream = within(CONNECT_TIMEOUT, work).await?;
    let told = stream.peer_addr().map(|peer| peer.to_string()).unwrap_or_default();
    Ok((told, stream))
}

/// TLS and certificate; gives when the certificate ends.
async fn shake_hands(
    region: &Region,
    tls: &RegionTls,
    stream: TcpStream,
    seen: &mut Vec<Seen>,
) -> Option<Ends> {
    let name = ServerName::try_from(region.address.host.clone()).map_err(|e| e.to_string());
    let name = match name {
        Ok(name) => name,
        Err(why) => return note(seen, Step::Tls, Err(why)),
    };
    let shaken =
        timeout(CONNECT_TIMEOUT, TlsConnector::from(tls.config.clone()).connect(name, stream));
    match shaken.await {
        Err(_) => note(seen, Step::Tls, Err("no answer to the greeting".into())),
        Ok(Ok(stream)) => {
            let session = stream.get_ref().1;
            let suite = session.negotiated_cipher_suite();
            let cipher = suite.map_or_else(String::new, |s| format!("TLS 1.3, {:?}", s.suite()));
            let ends = session.peer_certificates().and_then(<[_]>::first).and_then(end_of);
            note(seen, Step::Tls, Ok((cipher, ())))?;
            let told = ends.map_or_else(String::new, |at| format!("good until {}", date(at)));
            note(seen, Step::Certificate, Ok((told, ())))?;
            Some(ends)
        }
        Ok(Err(error)) => {
            let refused = tls.seen().and_then(|seen| seen.refused);
            let why = error.to_string();
            let certificate = why.contains("certificate");
            if certificate || refused.is_some() {
                note(seen, Step::Tls, Ok(("TLS 1.3".into(), ())))?;
            }
            if refused.is_some() {
                note(seen, Step::Certificate, Ok((String::new(), ())))?;
            }
            match (refused, certificate) {
                (Some(why), _) => {
                    note(seen, Step::Region, Err(format!("the certificate is valid, and {why}")))
                }
                (None, true) => note(seen, Step::Certificate, Err(why)),
                (None, false) => note(seen, Step::Tls, Err(why)),
            }
        }
    }
}

fn end_of(certificate: &CertificateDer<'_>) -> Ends {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

fn date(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    at.strftime("%Y-%m-%d").to_string()
}

async fn mqtt(
    region: &Region,
    destination: &str,
    tls: &RegionTls,
    seen: &mut Vec<Seen>,
) -> Option<()> {
    // An id of its own: a second session under the gateway's would end the gateway's.
    let id = format!("muster-{}-{destination}-doctor", region.site);
    let mut options = MqttOptions::new(id, region.address.host.clone(), region.address.port);
    options.set_transport(Transport::Tls(TlsConfiguration::Rustls(tls.config.clone())));
    options.set_clean_session(true);
    let (client, mut events) = AsyncClient::new(options, 2);
    events.network_options.set_connection_timeout(CONNECT_TIMEOUT.as_secs());
    let connected =
        within(CONNECT_TIMEOUT, until(&mut events, |p| matches!(p, Packet::ConnAck(_))));
    note(seen, Step::Login, connected.await.map(|()| ("MQTT 3.1.1".into(), ())))?;
    let topic = format!("attendance/{}/{destination}", region.site);
    let sent = client.try_publish(topic, QoS::AtLeastOnce, false, NOTHING);
    let acknowledged = match sent {
        Ok(()) => {
            within(SETTLE_TIMEOUT, until(&mut events, |p| matches!(p, Packet::PubAck(_)))).await
        }
        Err(error) => Err(error.to_string()),
    };
    note(seen, Step::DryRun, acknowledged.map(|()| ("acknowledged".into(), ())))
}

async fn until(events: &mut EventLoop, wanted: fn(&Packet) -> bool) -> Result<(), String> {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(packet)) if wanted(&packet) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

async fn https(region: &Region, tls: &RegionTls, seen: &mut Vec<Seen>) -> Option<()> {
    let opened = http::open(&region.address, tls).await.map_err(|ended| ended.to_string());
    let (mut sender, _) =
        note(seen, Step::Login, opened.map(|opened| ("HTTP/1.1".into(), opened)))?;
    let request = Request::post(&region.address.path)
        .header(header::HOST, region.address.host_and_port())
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", "muster-doctor")
        .body(Full::new(Bytes::from_static(NOTHING.as_bytes())));
    let answered = match request {
        Ok(request) => within(SETTLE_TIMEOUT, async {
            http::send(&mut sender, request).await.map_err(|ended| ended.to_string())
        })
        .await
        .and_then(|said| match said {
            http::Said::Yes(_) => Ok("answered".to_owned()),
            http::Said::No(status) => Err(format!("refused with status {}", status.as_u16())),
        }),
        Err(error) => Err(error.to_string()),
    };
    note(seen, Step::DryRun, answered.map(|told| (told, ())))
}
