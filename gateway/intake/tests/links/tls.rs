//! The listener for devices with certificates.

use super::client::{Client, check_in};
use super::setting::Site;
use muster_intake::Config;
use muster_intake::authority::{Authority, Credentials, Pairing};
use muster_ledger::DeviceKind;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) async fn pair(
    site: &Site,
    name: &str,
    kind: DeviceKind,
    carrier: Option<&str>,
) -> Credentials {
    let keyring = site.ledger.keyring();
    let pairing =
        Pairing { name: name.into(), kind, carrier: carrier.map(String::from), address: None };
    let authority = Authority::open(&keyring).unwrap();
    authority.pair(&site.ledger.devices(), &keyring, pairing).await.unwrap()
}

/// Connects with `login`, or without a certificate.
async fn reach(
    address: SocketAddr,
    ca_pem: &str,
    login: Option<&Credentials>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let config = match login {
        None => config.with_no_client_auth(),
        Some(login) => {
            let chain =
                vec![CertificateDer::from_pem_slice(login.certificate_pem.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(login.key_pem.as_bytes()).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let socket = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await
}

pub(crate) async fn greet(address: SocketAddr, login: &Credentials, v5: bool) -> (Client, Vec<u8>) {
    let socket = reach(address, &login.ca_pem, Some(login)).await.unwrap();
    // The client id may be anything here: the certificate names the device.
    Client::greet(Box::new(socket), v5, "whatever").await
}

pub(crate) async fn listen(site: &Site) -> (muster_intake::Intake, SocketAddr) {
    let any = Some(([127, 0, 0, 1], 0).into());
    let intake = site.start(Config { mqtt_tls: any, ..Config::default() }).await;
    let address = intake.addresses().mqtt_tls.unwrap();
    (intake, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paired_device_is_who_its_certificate_says() {
    let site = Site::new();
    let (_intake, address) = listen(&site).await;
    let login = pair(&site, "m2-lobby", DeviceKind::M2, None).await;
    for v5 in [false, true] {
        let (mut client, connack) = greet(address, &login, v5).await;
        assert_eq!(connack[..2], [0, 0]);
        let payload = check_in(1, 1, "7");
        client.publish("muster/1/m2-lobby/checkin", 1, payload.as_bytes()).await;
        assert_eq!(client.puback(1).await, 0);
        client.publish("muster/1/whatever/checkin", 2, payload.as_bytes()).await;
        assert_eq!(client.puback(2).await, if v5 { 0x87 } else { 0 });
    }
    site.has_receipted(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_paired_is_turned_away() {
    let site = Site::new();
    let (_intake, address) = listen(&site).await;
    let login = pair(&site, "m2", DeviceKind::M2, None).await;
    // No certificate; one of another authority.
    assert!(refused(reach(address, &login.ca_pem, None).await).await);
    let other = Site::new();
    let stranger = pair(&other, "m2", DeviceKind::M2, None).await;
    assert!(refused(reach(address, &login.ca_pem, Some(&stranger)).await).await);
    // Revoked.
    site.ledger.devices().revoke("m2").await.unwrap();
    let (mut client, connack) = greet(address, &login, true).await;
    assert_eq!(connack[..2], [0, 0x87]);
    assert_eq!(client.packet().await, None);
    // Paired anew: the old certificate is of no use.
    let renewed = pair(&site, "m2", DeviceKind::M2, None).await;
    let (_, connack) = greet(address, &login, false).await;
    assert_eq!(connack, [0, 5]);
    let (_, connack) = greet(address, &renewed, false).await;
    assert_eq!(connack, [0, 0]);
    let refused = site.ledger.status().refused;
    assert!(
        refused.contains_key("revoked") && refused.contains_key("not-authentic"),
        "{refused:?}"
    );
}

/// TLS 1.3 clients learn of a refusal only when they read.
async fn refused(reached: std::io::Result<TlsStream<TcpStream>>) -> bool {
    use tokio::io::AsyncReadExt;
    match reached {
        Err(_) => true,
        Ok(mut stream) => stream.read_u8().await.is_err(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_closes_open_connections_at_once() {
    let site = Site::new();
    let (_intake, address) = listen(&site).await;
    let login = pair(&site, "m2", DeviceKind::M2, None).await;
    let other = pair(&site, "m2-b", DeviceKind::M2, None).await;
    let (mut client, _) = greet(address, &login, true).await;
    let (mut bystander, _) = greet(address, &other, true).await;
    site.ledger.devices().revoke("m2").await.unwrap();
    assert_eq!(client.packet().await, Some((0xE0, vec![0x87])));
    bystander.publish("muster/1/m2-b/checkin", 1, check_in(1, 1, "7").as_bytes()).await;
    assert_eq!(bystander.puback(1).await, 0);
}
