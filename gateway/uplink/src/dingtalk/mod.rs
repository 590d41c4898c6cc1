//! The DingTalk connector: the upload of punches, one record a call.
//!
//! Nothing on the wire shows a region: where the tenant's data lies is by contract, not verified,
//! and the attestation says so. The tenant is pinned: the company that the configuration has to name
//! is in the address of the call for a token
//! (<https://help.dingtalk.io/zh/open/development/api-gettoken>), so another company's application
//! gets none. That answer is documented to name no company; one that names another, and a row read
//! back that does not name ours, stop the connector. Only applications of the company itself have
//! this grant. No photo is ever sent. Calls are metered by month and
//! second (`calls`). There is no idempotency key, so a punch that may have arrived is looked for
//! before it is sent again, and what was delivered is read back later to find doubles (`delivered`).
//!
//! The parcel's bytes, whose hash the journal knows, are what the upload is written from: it
//! carries nothing that they do not.

mod api;
mod calls;
mod delivered;

use crate::SETTLE_TIMEOUT;
use crate::http::{self, Said, Sender};
use crate::region::{Address, Region, Tenant};
use crate::tls::RegionTls;
use crate::worker::{Ended, Worker};
use api::{Answer, NoToken, ReadBack, Row, Token, Unread, Upload};
use bytes::Bytes;
use calls::{Calls, Step};
use delivered::{Delivered, Found};
use http_body_util::Full;
use hyper::{Request, header};
use muster_ledger::{Meter, Parcel, Settlement};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use zeroize::{Zeroize as _, Zeroizing};

const UPLOAD: &str = "/topapi/attendance/record/upload";
const LIST: &str = "/attendance/listRecord";
/// A token is renewed so long before it ends.
const TOKEN_MARGIN_MS: i64 = 300_000;
/// How often to look whether calls are allowed again: a quota can be raised at any time.
const QUOTA_LOOK: Duration = Duration::from_secs(3_600);
/// The wait after too many calls at a time.
const PACE_WAIT: Duration = Duration::from_secs(2);
/// How often an idle connection looks whether something is to be read back.
const IDLE: Duration = Duration::from_secs(5);

/// What outlives a connection.
#[derive(Default)]
pub(crate) struct Memory {
    token: Option<(Token, i64)>,
    calls: Option<Calls>,
    delivered: Delivered,
}

/// Drains until the connection ends; says why.
pub(crate) async fn drain(worker: &mut Worker, tls: &RegionTls, expected: &str) -> Ended {
    if worker.region.tenant.is_none() {
        return Ended::Down("no tenant is configured for DingTalk".into());
    }
    let drained = Connection { worker, tls, expected, sender: None }.drain().await;
    drained.unwrap_or_else(|ended| ended)
}

struct Connection<'a> {
    worker: &'a mut Worker,
    tls: &'a RegionTls,
    expected: &'a str,
    sender: Option<Sender>,
}

impl Connection<'_> {
    async fn drain(mut self) -> Result<Ended, Ended> {
        let now_ms = self.worker.outbox.now_ms();
        if let Some(used) = self.calls().spent(now_ms) {
            return Err(self.spent(used));
        }
        self.open().await?;
        loop {
            self.read_back_if_due().await?;
            let Ok(parcels) = timeout(IDLE, self.worker.next(self.expected, 1)).await else {
                continue;
            };
            let Some(parcel) = parcels?.pop() else {
                return Ok(Ended::Down("the box is shutting down".into()));
            };
            self.deliver(parcel).await?;
        }
    }

    /// A token, a connection, and the journal's word on both.
    async fn open(&mut self) -> Result<(), Ended> {
        self.token().await?;
        let (sender, cipher) = http::open(&self.worker.region.address, self.tls).await?;
        self.sender = Some(sender);
        self.worker.attest(self.tls, self.expected, &cipher).await
    }

    /// Sends one record, or finds that it is there, and settles it.
    async fn deliver(&mut self, parcel: Parcel) -> Result<(), Ended> {
        let upload = match Upload::of_parcel(parcel.bytes()) {
            Ok(upload) => upload,
            Err(reason) => return self.settle(parcel, rejected(reason)).await,
        };
        if parcel.is_again() {
            match self.look_for(&upload).await {
                Ok(Some(receipt)) => return self.settle(parcel, accepted(Some(receipt))).await,
                Ok(None) => {}
                Err(ended) => return self.put_back(parcel, ended).await,
            }
        }
        if let Err(ended) = self.allowed().await {
            return self.put_back(parcel, ended).await;
        }
        match self.post(UPLOAD, upload.body()).await {
            Ok(body) => self.answered(parcel, &upload, api::answer(&body)).await,
            Err(ended @ Ended::Wait(_)) => self.put_back(parcel, ended).await,
            Err(ended) => {
                self.worker.give_back(vec![parcel]).await?;
                Err(ended)
            }
        }
    }

    async fn answered(
        &mut self,
        parcel: Parcel,
        upload: &Upload,
        answer: Answer,
    ) -> Result<(), Ended> {
        match answer {
            Answer::Taken(receipt) => {
                let now_ms = self.worker.outbox.now_ms();
                let delivered = &mut self.worker.dingtalk.delivered;
                delivered.note(&upload.userid, upload.user_check_time, now_ms);
                self.settle(parcel, accepted(receipt)).await
            }
            Answer::Refused(reason) => self.settle(parcel, rejected(&reason)).await,
            Answer::Trouble(why) => {
                self.worker.give_back(vec![parcel]).await?;
                Err(Ended::Down(why))
            }
            other => {
                let ended = self.no_answer(other);
                self.put_back(parcel, ended).await
            }
        }
    }

    /// What an answer that is about no record ends the connection with.
    fn no_answer(&mut self, answer: Answer) -> Ended {
        match answer {
            Answer::Token => {
                self.worker.dingtalk.token = None;
                Ended::Down("the token is no longer good".into())
            }
            Answer::Quota => {
                let said = "DingTalk says that the month's calls are used up (errcode 90020)";
                Ended::Quota(said.into(), self.until_next_month())
            }
            Answer::Pace => Ended::Wait(PACE_WAIT),
            Answer::Trouble(why) | Answer::Refused(why) => Ended::Down(why),
            Answer::Taken(_) => Ended::Down("an answer that was not asked for".into()),
        }
    }

    /// The record stays queued, and is not to blame.
    async fn put_back(&mut self, parcel: Parcel, ended: Ended) -> Result<(), Ended> {
        self.settle(parcel, Settlement::Unknown).await?;
        Err(ended)
    }

    async fn settle(&mut self, parcel: Parcel, settlement: Settlement) -> Result<(), Ended> {
        self.worker.settle(vec![(parcel, settlement)]).await
    }

    /// Whether a punch that may have arrived is there: its row, as a receipt.
    async fn look_for(&mut self, upload: &Upload) -> Result<Option<String>, Ended> {
        let punch = [(upload.userid.as_str(), upload.user_check_time)];
        let rows = self.read_back(&ReadBack::of(&punch)).await?;
        let same = |row: &&Row| {
            row.user_id == upload.userid && row.user_check_time == upload.user_check_time
        };
        let mut found: Vec<_> = rows.iter().filter(same).map(|row| row.id).collect();
        found.sort_unstable();
        found.dedup();
        if found.len() > 1 {
            let doubles = found.len() as u64 - 1;
            self.tell(Found { doubles, ..Found::default() }).await?;
        }
        Ok(found.first().map(|id| format!("read back: {id}")))
    }

    async fn read_back_if_due(&mut self) -> Result<(), Ended> {
        let now_ms = self.worker.outbox.now_ms();
        let after = tenant(&self.worker.region).map_or(0, |t| t.read_back.as_millis() as i64);
        let memory = &self.worker.dingtalk;
        let spare = memory.calls.as_ref().is_some_and(Calls::has_spare);
        if !spare || !memory.delivered.is_due(now_ms, after) {
            return Ok(());
        }
        let calls = memory.delivered.calls();
        let rows = self.read_back(&calls).await?;
        let found = self.worker.dingtalk.delivered.compare(&rows);
        self.tell(found).await
    }

    /// Counts what reading back found; what should not be is journaled, without names.
    async fn tell(&mut self, found: Found) -> Result<(), Ended> {
        let Found { once, doubles, missing } = found;
        for (result, count) in [("once", once), ("double", doubles), ("missing", missing)] {
            metrics::counter!("muster_dingtalk_read_back_total", "result" => result)
                .increment(count);
        }
        if doubles + missing == 0 {
            return Ok(());
        }
        tracing::warn!(doubles, missing, "reading back from DingTalk");
        let what = format!("read back: {doubles} there more than once, {missing} not there");
        Ok(self.worker.outbox.note(&what).await?)
    }

    async fn read_back(&mut self, calls: &[ReadBack]) -> Result<Vec<Row>, Ended> {
        let mut rows = Vec::new();
        for call in calls {
            self.allowed().await?;
            let body = self.post(LIST, call.body()).await?;
            let corp_id = tenant(&self.worker.region).map(|t| t.corp_id.as_str());
            match api::rows(&body, corp_id.unwrap_or_default()) {
                Ok(found) => rows.extend(found),
                Err(Unread::WrongTenant) => return Err(self.wrong_tenant("a row")),
                Err(Unread::Answer(answer)) => return Err(self.no_answer(answer)),
            }
        }
        Ok(rows)
    }

    /// One metered call; gives the answer's body.
    async fn post(&mut self, path: &str, body: Vec<u8>) -> Result<Bytes, Ended> {
        // Idle connections are closed by the other side; that is no failure.
        if self.sender.as_ref().is_none_or(Sender::is_closed) {
            self.open().await?;
        }
        let token = self.token().await?;
        let path = Zeroizing::new(format!("{path}?access_token={}", token.as_str()));
        let request = request(&self.worker.region.address, &path, Bytes::from(body))?;
        let Some(sender) = &mut self.sender else {
            return Err(Ended::Down("not connected".into()));
        };
        said(sender, request, tenant(&self.worker.region)).await
    }

    /// Waits for the pace, and counts one call of the month: in the journal before it is made.
    async fn allowed(&mut self) -> Result<(), Ended> {
        let outbox = self.worker.outbox.clone();
        loop {
            let calls = self.calls();
            match calls.take(outbox.now_ms()) {
                Step::Go => break,
                Step::Journal(meter) => {
                    outbox.set_meter(meter.clone()).await?;
                    gauge(outbox.destination(), &meter);
                    calls.journaled(meter);
                }
                Step::Spent(used) => return Err(self.spent(used)),
            }
        }
        let pause = self.calls().pause(outbox.now_ms());
        sleep(pause).await;
        Ok(())
    }

    /// The calls of this destination, as far as the journal knows where it is the first time.
    fn calls(&mut self) -> &mut Calls {
        let quota = tenant(&self.worker.region).map(|t| t.quota).unwrap_or_default();
        let outbox = &self.worker.outbox;
        let calls = &mut self.worker.dingtalk.calls;
        calls.get_or_insert_with(|| Calls::new(quota, outbox.meter()))
    }

    fn spent(&self, used: u64) -> Ended {
        let said = format!("all {used} calls of the month are used");
        Ended::Quota(said, self.until_next_month())
    }

    fn until_next_month(&self) -> Duration {
        let now_ms = self.worker.outbox.now_ms();
        let left = Meter::month_end_ms(now_ms).saturating_sub(now_ms).max(1_000);
        Duration::from_millis(left.unsigned_abs()).min(QUOTA_LOOK)
    }

    /// A token that is good for a while yet; asked for where there is none.
    async fn token(&mut self) -> Result<Zeroizing<String>, Ended> {
        let now_ms = self.worker.outbox.now_ms();
        if let Some((token, until_ms)) = &self.worker.dingtalk.token
            && now_ms < *until_ms
        {
            return Ok(token.text.clone());
        }
        let Some(tenant) = tenant(&self.worker.region) else {
            return Err(Ended::Down("no tenant is configured for DingTalk".into()));
        };
        let body = ask_for_token(tenant, self.tls).await?;
        let token = api::token(&body, &tenant.corp_id);
        if let Ok(mut body) = body.try_into_mut() {
            body.as_mut().zeroize();
        }
        let token = match token {
            Ok(token) => token,
            Err(NoToken::WrongTenant) => return Err(self.wrong_tenant("the token")),
            Err(NoToken::Unreadable) => {
                return Err(Ended::Down("no token: the answer is not one".into()));
            }
        };
        let text = token.text.clone();
        let until_ms = now_ms.saturating_add(token.seconds * 1_000 - TOKEN_MARGIN_MS);
        self.worker.dingtalk.token = Some((token, until_ms));
        Ok(text)
    }

    fn wrong_tenant(&mut self, what: &str) -> Ended {
        self.worker.dingtalk.token = None;
        Ended::WrongTenant(format!("{what} is of another company than corp_id names"))
    }
}

async fn ask_for_token(tenant: &Tenant, tls: &RegionTls) -> Result<Bytes, Ended> {
    let (mut sender, _) = http::open(&tenant.token, tls).await?;
    let path = format!("/v1.0/oauth2/{}/token", tenant.corp_id);
    let body = Bytes::from_owner(api::token_body(tenant));
    said(&mut sender, request(&tenant.token, &path, body)?, Some(tenant)).await
}

async fn said(
    sender: &mut Sender,
    request: Request<Full<Bytes>>,
    tenant: Option<&Tenant>,
) -> Result<Bytes, Ended> {
    let patience = tenant.map_or(SETTLE_TIMEOUT, |tenant| tenant.patience);
    match timeout(patience, http::send(sender, request)).await {
        Ok(Ok(Said::Yes(body))) => Ok(body),
        Ok(Ok(Said::No(status))) => Err(Ended::Down(format!("refused with status {status}"))),
        Ok(Err(ended)) => Err(ended),
        Err(_) => Err(Ended::Down("no answer in time".into())),
    }
}

/// `path` below the address's own. The request's copy of it, which may hold a token, is the one
/// that nobody can wipe; it lives as long as the call.
fn request(address: &Address, path: &str, body: Bytes) -> Result<Request<Full<Bytes>>, Ended> {
    let uri = Zeroizing::new(format!("{}{path}", address.path.trim_end_matches('/')));
    Request::post(uri.as_str())
        .header(header::HOST, address.host_and_port())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(|_| Ended::Down("the address does not fit a request".into()))
}

fn tenant(region: &Region) -> Option<&Tenant> {
    region.tenant.as_ref()
}

fn accepted(receipt: Option<String>) -> Settlement {
    Settlement::Accepted { receipt }
}

fn rejected(reason: &str) -> Settlement {
    Settlement::Rejected { reason: reason.to_owned() }
}

fn gauge(destination: &str, meter: &Meter) {
    let labels = [("destination", destination.to_owned())];
    metrics::gauge!("muster_destination_calls", &labels).set(meter.calls as f64);
    metrics::gauge!("muster_destination_calls_limit", &labels).set(meter.limit as f64);
}
