//! A webhook and a mail server, scripted, over TLS, that write down what they are told.

use anyhow::Result;
use muster_tests::webhook::request;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// One alarm as it was heard.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    by: &'static str,
    kind: String,
    /// What tells alarms apart.
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) has_cure: bool,
    pub(crate) authorised: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Told>>>);

impl Heard {
    fn push(&self, told: Told) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }

    pub(crate) fn all(&self, by: &str) -> Vec<Told> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|told| told.by == by).cloned().collect()
    }

    pub(crate) fn kinds(&self, by: &str) -> BTreeSet<&'static str> {
        let told = self.all(by);
        let known = super::KINDS.into_iter();
        known.filter(|kind| told.iter().any(|told| told.kind == *kind)).collect()
    }
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

fn serve(
    config: Arc<ServerConfig>,
    each: impl Fn(TcpStream, &Arc<ServerConfig>) -> Result<()> + Send + 'static,
) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // The next one comes anew.
            let _ = each(stream, &config);
        }
    });
    Ok(port)
}

/// The first request of all is answered with 500: it must come again.
pub(crate) fn http(config: Arc<ServerConfig>, heard: Heard) -> Result<u16> {
    let first = Mutex::new(true);
    serve(config, move |stream, config| {
        let stream = Stream::new(ServerConnection::new(config.clone())?, stream);
        let mut stream = BufReader::new(stream);
        let (head, body) = request(&mut stream)?;
        let authorised = head.iter().any(|line| line == "authorization: bearer let-me-in");
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        let status = if std::mem::take(&mut *first) {
            "500 Broken"
        } else {
            let told: serde_json::Value = serde_json::from_slice(&body)?;
            let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
            heard.push(Told {
                by: "web",
                kind: text("kind"),
                subject: format!("{} {}", text("kind"), text("name")),
                text: String::from_utf8(body)?,
                has_cure: !text("cure").is_empty() && text("site") == "hk-test",
                authorised,
            });
            "204 No Content"
        };
        let out = stream.get_mut();
        write!(out, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")?;
        Ok(out.flush()?)
    })
}

/// Speaks SMTP with STARTTLS, and takes nothing before it.
pub(crate) fn smtp(config: Arc<ServerConfig>, heard: Heard) -> Result<u16> {
    serve(config, move |mut stream, config| {
        stream.write_all(b"220 mail.test ESMTP\r\n")?;
        let mut reader = BufReader::new(stream.try_clone()?);
        loop {
            let mut line = String::new();
            anyhow::ensure!(reader.read_line(&mut line)? > 0, "gone");
            let verb = line.trim().to_ascii_uppercase();
            if verb == "STARTTLS" {
                stream.write_all(b"220 go ahead\r\n")?;
                break;
            }
            let answer: &[u8] = match verb.starts_with("EHLO") {
                true => b"250-mail.test\r\n250 STARTTLS\r\n",
                false => b"530 Must issue a STARTTLS command first\r\n",
            };
            stream.write_all(answer)?;
        }
        let stream = Stream::new(ServerConnection::new(config.clone())?, stream);
        letter(BufReader::new(stream), &heard)
    })
}

fn letter(mut stream: BufReader<Stream>, heard: &Heard) -> Result<()> {
    loop {
        let mut line = String::new();
        anyhow::ensure!(stream.read_line(&mut line)? > 0, "gone");
        let verb = line.trim().to_ascii_uppercase();
        let answer: &[u8] = match verb.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => b"250 mail.test\r\n",
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        stream.get_mut().write_all(answer)?;
        if verb == "DATA" {
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") {
                anyhow::ensure!(stream.read_line(&mut text)? > 0, "gone");
            }
            heard.push(told(&text));
            stream.get_mut().write_all(b"250 taken\r\n")?;
        }
    }
}

fn told(text: &str) -> Told {
    let subject = text.lines().find_map(|line| line.strip_prefix("Subject: Muster hk-test: "));
    let subject = subject.unwrap_or_default().to_owned();
    Told {
        by: "mail",
        kind: subject.split(' ').next().unwrap_or_default().to_owned(),
        subject,
        has_cure: text.contains("What to do: ") && text.contains("To: it@example.org"),
        text: text.to_owned(),
        authorised: true,
    }
}
