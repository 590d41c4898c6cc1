//! What is documented of DingTalk's server: tokens per company, the upload of one punch a call,
//! the list of at most 50 users and 7 days. It keeps its own account, and follows a script of
//! faults for uploads.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData as _};
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The company that tokens are for.
pub(crate) const CORP: &str = "ding-ours";
const TOKEN: &str = "token-1";
const SECRET: &str = "the secret";
const WEEK_MS: i64 = 7 * 86_400_000;

/// What goes wrong with one upload.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    None,
    /// This status, and `Retry-After: 1`.
    Status(u16),
    /// This code; nothing is stored.
    Code(i64),
    /// Stored, and the connection ends without an answer.
    TakenAndCut,
    /// Stored, and no answer comes in time.
    TakenAndSilent,
    /// Stored, and the answer is no JSON.
    TakenAndGarbled,
    /// Stored twice by one call.
    Doubled,
    /// Not stored, and acknowledged.
    Lost,
}

/// What arrived, and what goes wrong.
#[derive(Default)]
pub(crate) struct Account {
    /// Bodies of uploads.
    pub(crate) uploads: Vec<Value>,
    pub(crate) times: Vec<Instant>,
    /// Bodies of lists.
    pub(crate) lists: Vec<Value>,
    pub(crate) tokens: u64,
    /// User, time and id of each stored punch.
    pub(crate) rows: Vec<(String, i64, u64)>,
    pub(crate) script: VecDeque<Fault>,
    /// The company that token answers and rows name.
    pub(crate) token_corp: Option<String>,
    pub(crate) row_corp: Option<String>,
    /// What was against the documentation.
    pub(crate) wrong: Vec<String>,
}

impl Account {
    /// How often each user's punch is stored.
    pub(crate) fn stored(&self) -> BTreeMap<&str, usize> {
        self.rows.iter().fold(BTreeMap::new(), |mut all, (user, ..)| {
            *all.entry(user.as_str()).or_default() += 1;
            all
        })
    }

    fn store(&mut self, upload: &Value) {
        let id = self.rows.len() as u64 + 1;
        let user = upload["userid"].as_str().unwrap_or_default().to_owned();
        self.rows.push((user, upload["user_check_time"].as_i64().unwrap_or_default(), id));
    }
}

/// The server on a loopback address.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) ca_pem: String,
    /// SHA-256 of its public key, hex.
    pub(crate) pin: String,
    account: Arc<Mutex<Account>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let (acceptor, ca_pem, pin) = tls();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let account = Arc::new(Mutex::new(Account::default()));
        let ours = account.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, account) = (acceptor.clone(), account.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| answer(request, account.clone()));
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, ca_pem, pin, account: ours }
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A certificate for `localhost` that names no region, as DingTalk's.
fn tls() -> (TlsAcceptor, String, String) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let ca_pem = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let digest = ring::digest::digest(&ring::digest::SHA256, &key.subject_public_key_info());
    let pin = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), ca_pem, pin)
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
struct Cut;

type Answer = Result<Response<Full<Bytes>>, Cut>;

async fn answer(request: Request<Incoming>, account: Arc<Mutex<Account>>) -> Answer {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.map_err(|_| Cut)?.to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let fault = {
        let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
        if path == format!("/v1.0/oauth2/{CORP}/token") {
            return Ok(token(&mut account, &body));
        }
        if query != format!("access_token={TOKEN}") {
            return Ok(say(&json!({ "errcode": 40014, "errmsg": "no token" })));
        }
        if path == "/attendance/listRecord" {
            return Ok(list(&mut account, body));
        }
        upload(&mut account, &path, body)
    };
    match fault {
        Fault::TakenAndCut => Err(Cut),
        Fault::TakenAndSilent => {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Err(Cut)
        }
        Fault::TakenAndGarbled => Ok(Response::new(Full::new(Bytes::from_static(b"<html>")))),
        Fault::Status(status) => {
            let response = Response::builder().status(status).header("retry-after", "1");
            response.body(Full::default()).map_err(|_| Cut)
        }
        Fault::Code(code) => Ok(say(&json!({ "errcode": code, "errmsg": "said in words" }))),
        _ => Ok(say(&json!({ "errcode": 0, "errmsg": "ok", "request_id": "call-1" }))),
    }
}

fn token(account: &mut Account, body: &Value) -> Response<Full<Bytes>> {
    account.tokens += 1;
    if body["client_secret"] != SECRET || body["grant_type"] != "client_credentials" {
        account.wrong.push("a token was asked for with other credentials".into());
    }
    let mut given = json!({ "access_token": TOKEN, "expires_in": 7200 });
    if let Some(corp) = &account.token_corp {
        given["corpId"] = corp.as_str().into();
    }
    say(&given)
}

fn upload(account: &mut Account, path: &str, body: Value) -> Fault {
    let keys: Vec<_> = body.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default();
    let expect = ["device_id", "device_name", "user_check_time", "userid"];
    if path != "/topapi/attendance/record/upload" || keys != expect {
        account.wrong.push(format!("{path} with {keys:?}"));
    }
    let fault = account.script.pop_front().unwrap_or(Fault::None);
    let stored = match fault {
        Fault::Status(_) | Fault::Code(_) | Fault::Lost => 0,
        Fault::Doubled => 2,
        _ => 1,
    };
    (0..stored).for_each(|_| account.store(&body));
    account.uploads.push(body);
    account.times.push(Instant::now());
    fault
}

fn list(account: &mut Account, body: Value) -> Response<Full<Bytes>> {
    let users: Vec<&str> =
        body["userIds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let at = |key: &str| {
        let text = body[key].as_str().unwrap_or_default().replace(' ', "T") + "+08:00";
        text.parse::<jiff::Timestamp>().map_or(0, |t| t.as_millisecond())
    };
    let (from, to) = (at("checkDateFrom"), at("checkDateTo"));
    if users.is_empty() || users.len() > 50 || from == 0 || !(0..=WEEK_MS).contains(&(to - from)) {
        account.wrong.push(format!("a list of {} users over {} ms", users.len(), to - from));
    }
    let corp = account.row_corp.clone().unwrap_or_else(|| CORP.to_owned());
    let rows = account.rows.iter();
    let rows =
        rows.filter(|(user, ms, _)| users.contains(&user.as_str()) && from <= *ms && *ms <= to);
    let rows: Vec<Value> = rows
        .map(|(user, ms, id)| {
            json!({ "userId": user, "userCheckTime": ms, "id": id, "corpId": corp,
                    "userLatitude": 22.19, "userMacAddr": "00:00:5e:00:53:01" })
        })
        .collect();
    let said = say(&json!({ "errcode": 0, "errmsg": "ok", "recordresult": rows }));
    account.lists.push(body);
    said
}

fn say(value: &Value) -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from(value.to_string())))
}
