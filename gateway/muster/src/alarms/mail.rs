//! Alarms by mail, over a server of the company.
//!
//! TLS from the start or by STARTTLS, never without, but on loopback. The text is plain and short.

use super::Alarm;
use super::webhook::{connector, is_loopback};
use crate::sentence;
use anyhow::{Context as _, Result, ensure};
use mail_send::SmtpClientBuilder;
use mail_send::smtp::message::{Address, Message};
use muster_residency::explain::Language;
use serde::Deserialize;
use std::path::PathBuf;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// Addresses one alarm goes to at most.
const MAX_TO: usize = 20;
/// Bytes of an address (RFC 5321, section 4.5.3.1).
const MAX_ADDRESS: usize = 254;

/// `[alarms.mail]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mail {
    pub(crate) host: String,
    pub(crate) port: u16,
    #[serde(default)]
    pub(crate) tls: Tls,
    /// Who may vouch for the host.
    pub(crate) ca: Option<PathBuf>,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) user: Option<String>,
    pub(crate) password_file: Option<PathBuf>,
}

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tls {
    #[default]
    Starttls,
    Implicit,
    /// On loopback alone.
    None,
}

/// A server that is read and checked.
pub(super) struct Sender {
    mail: Mail,
    tls: Option<TlsConnector>,
    password: Option<Zeroizing<String>>,
    site: String,
    language: Language,
}

impl Sender {
    pub(super) fn new(mail: &Mail, site: &str, language: Language) -> Result<Self> {
        let plain = |address: &String| {
            let fits = |c: char| c.is_ascii_graphic() && !"<>,;\"\\".contains(c);
            address.len() <= MAX_ADDRESS && address.contains('@') && address.chars().all(fits)
        };
        ensure!(
            plain(&mail.from) && mail.to.iter().all(plain),
            "[alarms.mail] from, to: write plain addresses as alarms@example.org"
        );
        ensure!(
            (1..=MAX_TO).contains(&mail.to.len()),
            "[alarms.mail] to: one to {MAX_TO} addresses"
        );
        ensure!(
            mail.tls != Tls::None || is_loopback(&mail.host),
            "[alarms.mail] tls: \"none\" is for 127.0.0.1 alone; use \"starttls\" or \"implicit\""
        );
        let tls = (mail.tls != Tls::None).then(|| connector(mail.ca.as_deref())).transpose()?;
        let password = mail.password_file.as_deref().map(crate::store::read_secret).transpose()?;
        Ok(Self { mail: mail.clone(), tls, password, site: site.to_owned(), language })
    }

    pub(super) async fn send(&self, alarm: &Alarm, at: &str) -> Result<()> {
        let tls = match &self.tls {
            Some(tls) => tls.clone(),
            // Not used without TLS.
            None => connector_of_nobody()?,
        };
        let (host, port) = (self.mail.host.as_str(), self.mail.port);
        let mut builder = SmtpClientBuilder::new_with_tls_connector(host, port, tls)
            .implicit_tls(self.mail.tls == Tls::Implicit)
            .helo_host("muster.invalid");
        if let Some((user, password)) = self.mail.user.as_deref().zip(self.password.as_ref()) {
            builder = builder.credentials((user, password.as_str()));
        }
        match self.mail.tls {
            Tls::None => {
                let mut client = builder.connect_plain().await.context("SMTP")?;
                client.send(self.message(alarm, at)).await.context("SMTP")?;
            }
            _ => {
                let mut client = builder.connect().await.context("SMTP")?;
                client.send(self.message(alarm, at)).await.context("SMTP")?;
            }
        }
        Ok(())
    }

    fn message(&self, alarm: &Alarm, at: &str) -> Message<'_> {
        let body = self.body(alarm, at).into_bytes();
        Message {
            mail_from: Address { email: self.mail.from.as_str().into(), ..Address::default() },
            rcpt_to: self
                .mail
                .to
                .iter()
                .map(|to| Address { email: to.as_str().into(), ..Address::default() })
                .collect(),
            body: body.into(),
        }
    }

    /// Header and text: nothing from outside gets into a header but in plain letters.
    fn body(&self, alarm: &Alarm, at: &str) -> String {
        let plain = |text: &str| -> String {
            text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(100).collect()
        };
        let line = |text: &str| -> String {
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
        };
        let (kind, site) = (alarm.kind.word(), plain(&self.site));
        let id: String =
            ring::digest::digest(&ring::digest::SHA256, format!("{alarm:?}{at}").as_bytes())
                .as_ref()
                .iter()
                .take(12)
                .map(|byte| format!("{byte:02x}"))
                .collect();
        let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000");
        format!(
            "From: {from}\r\nTo: {to}\r\nDate: {date}\r\nMessage-ID: <{id}@muster.invalid>\r\n\
             Subject: Muster {site}: {kind} {name}\r\nAuto-Submitted: auto-generated\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Transfer-Encoding: 8bit\r\n\r\n\
             {what}\r\n\r\n{cure}\r\n\r\nAt: {at}\r\nSite: {site}\r\nKind: {kind}\r\n",
            from = self.mail.from,
            to = self.mail.to.join(", "),
            name = plain(&alarm.name),
            what = line(&format!("{}: {}", alarm.name, alarm.cause)),
            cure = line(&sentence::tell(&format!("What to do: {}", alarm.cure), self.language)),
        )
    }
}

fn connector_of_nobody() -> Result<TlsConnector> {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(TlsConnector::from(std::sync::Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn mail() -> Mail {
        Mail {
            host: "127.0.0.1".into(),
            port: 25,
            tls: Tls::None,
            ca: None,
            from: "box@example.org".into(),
            to: vec!["it@example.org".into()],
            user: None,
            password_file: None,
        }
    }

    #[test]
    fn nothing_from_outside_makes_a_header() {
        let sender = Sender::new(&mail(), "hk", Language::En).unwrap();
        let name = "gate\r\nBcc: all@example.org\r\n\r\nx";
        let body = sender.body(&Alarm::new(Kind::Tamper, name, "c\r\n.\r\n", "cure"), "now");
        let (head, text) = body.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("\nBcc") && head.contains("Subject: Muster hk: tamper gate"));
        assert!(!text.contains("\r\n.\r\n") && text.contains("What to do: cure"));
    }

    #[test]
    fn what_is_not_safe_is_refused() {
        let check = |change: fn(&mut Mail)| {
            let mut mail = mail();
            change(&mut mail);
            assert!(Sender::new(&mail, "hk", Language::En).is_err(), "{mail:?}");
        };
        check(|mail| mail.host = "mail.example.org".into());
        check(|mail| mail.from = "a@b>\r\nDATA".into());
        check(|mail| mail.to = Vec::new());
        check(|mail| mail.to = vec!["nobody".into()]);
    }
}
