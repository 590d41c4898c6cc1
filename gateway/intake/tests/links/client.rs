//! An MQTT client that says exactly what a test wants said.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

pub(crate) struct Client {
    socket: Box<dyn Socket>,
    v5: bool,
}

/// A packet: its first byte and its body.
pub(crate) type Packet = (u8, Vec<u8>);

impl Client {
    /// Connects and says hello; returns the client and the CONNACK's body.
    pub(crate) async fn connect(address: SocketAddr, v5: bool, id: &str) -> (Self, Vec<u8>) {
        let socket = TcpStream::connect(address).await.unwrap();
        Self::greet(Box::new(socket), v5, id).await
    }

    pub(crate) async fn greet(socket: Box<dyn Socket>, v5: bool, id: &str) -> (Self, Vec<u8>) {
        let mut client = Self { socket, v5 };
        let mut body = b"\0\x04MQTT".to_vec();
        body.extend([if v5 { 5 } else { 4 }, 2, 0, 30]);
        body.extend(v5.then_some(0));
        body.extend((id.len() as u16).to_be_bytes());
        body.extend(id.as_bytes());
        client.send(0x10, &body).await;
        let (first, body) = client.packet().await.unwrap();
        assert_eq!(first, 0x20);
        (client, body)
    }

    pub(crate) async fn send(&mut self, first: u8, body: &[u8]) {
        self.raw(&packet(first, body)).await;
    }

    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap();
    }

    /// A PUBLISH, without waiting; QoS 0 with packet id 0, else QoS 1.
    pub(crate) async fn publish(&mut self, topic: &str, id: u16, payload: &[u8]) {
        self.raw(&self.publish_bytes(topic, id, payload)).await;
    }

    pub(crate) fn publish_bytes(&self, topic: &str, id: u16, payload: &[u8]) -> Vec<u8> {
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend(topic.as_bytes());
        if id > 0 {
            body.extend(id.to_be_bytes());
        }
        body.extend(self.v5.then_some(0));
        body.extend(payload);
        packet(if id > 0 { 0x32 } else { 0x30 }, &body)
    }

    /// Subscribes to one topic; returns the code.
    pub(crate) async fn subscribe(&mut self, topic: &str) -> u8 {
        let mut body = vec![0, 9];
        body.extend(self.v5.then_some(0));
        body.extend((topic.len() as u16).to_be_bytes());
        body.extend(topic.as_bytes());
        body.push(1);
        self.send(0x82, &body).await;
        *self.packet().await.unwrap().1.last().unwrap()
    }

    /// The next packet; `None` once the box has closed the connection.
    pub(crate) async fn packet(&mut self) -> Option<Packet> {
        timeout(PATIENCE, self.read()).await.expect("the box says nothing")
    }

    async fn read(&mut self) -> Option<Packet> {
        let first = self.socket.read_u8().await.ok()?;
        let (mut length, mut shift) = (0usize, 0);
        loop {
            let byte = self.socket.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.socket.read_exact(&mut body).await.ok()?;
        Some((first, body))
    }

    /// Expects the acknowledgement of `id`; returns its reason code.
    pub(crate) async fn puback(&mut self, id: u16) -> u8 {
        let (first, body) = self.packet().await.expect("closed instead of acknowledged");
        assert_eq!((first, &body[..2]), (0x40, &id.to_be_bytes()[..]));
        body.get(2).copied().unwrap_or(0)
    }

    /// Expects a PUBLISH; returns topic and payload.
    pub(crate) async fn message_bytes(&mut self) -> (String, Vec<u8>) {
        let (first, body) = self.packet().await.expect("closed instead of a message");
        assert_eq!(first, 0x30);
        let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let topic = String::from_utf8(body[2..2 + length].to_vec()).unwrap();
        (topic, body[2 + length + usize::from(self.v5)..].to_vec())
    }

    /// Whether nothing comes for `time`.
    pub(crate) async fn is_silent(&mut self, time: Duration) -> bool {
        timeout(time, self.read()).await.is_err()
    }

    pub(crate) async fn message(&mut self) -> (String, String) {
        let (topic, payload) = self.message_bytes().await;
        (topic, String::from_utf8(payload).unwrap())
    }
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut left = body.len();
    while left > 0x7F {
        bytes.push(0x80 | (left & 0x7F) as u8);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes.extend(body);
    bytes
}

/// A check-in as JSON.
pub(crate) fn check_in(boot: u32, seq: u64, person: &str) -> String {
    format!(
        r#"{{"v":1,"boot":{boot},"seq":{seq},"person":"{person}","at":"2026-12-01T08:59:31+08:00","method":"face","outcome":"granted","direction":"in","live":true}}"#
    )
}
