//! The HTTPS connector: one connection, one `POST` of an array at a time; the answer settles each
//! record by itself. No redirect is followed.

use crate::http::{self, Said, Sender};
use crate::region::Region;
use crate::tls::RegionTls;
use crate::worker::{Ended, Worker};
use crate::{SETTLE_TIMEOUT, batch};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode, header};
use muster_ledger::{Parcel, Settlement};
use serde::Deserialize;
use tokio::time::timeout;

/// Parcels in one request.
const MAX_PARCELS: usize = batch::MAX_PARCELS;

/// Drains until the connection ends; says why.
pub(crate) async fn drain(worker: &mut Worker, tls: &RegionTls, expected: &str) -> Ended {
    let (sender, cipher) = match http::open(&worker.region.address, tls).await {
        Ok(opened) => opened,
        Err(ended) => return ended,
    };
    let drained = match worker.attest(tls, expected, &cipher).await {
        Ok(()) => exchange(worker, sender, expected).await,
        Err(ended) => Err(ended),
    };
    drained.unwrap_or_else(|ended| ended)
}

async fn exchange(worker: &mut Worker, mut sender: Sender, expected: &str) -> Result<Ended, Ended> {
    loop {
        let parcels = worker.next(expected, MAX_PARCELS).await?;
        if parcels.is_empty() {
            return Ok(Ended::Down("the box is shutting down".into()));
        }
        let answer = timeout(SETTLE_TIMEOUT, post(worker, &mut sender, &parcels)).await;
        let answer = answer.unwrap_or_else(|_| Err(Ended::Down("no answer in time".into())));
        match answer {
            Ok(Answer::Each(verdicts)) => {
                let silent = verdicts.iter().all(|v| *v == Settlement::Unknown);
                worker.settle(parcels.into_iter().zip(verdicts).collect()).await?;
                if silent {
                    return Ok(Ended::Down("the region answered for none of the records".into()));
                }
            }
            Ok(Answer::Refused(status)) => refused(worker, parcels, status).await?,
            Err(ended @ Ended::Wait(_)) => {
                let back = parcels.into_iter().map(|p| (p, Settlement::Unknown)).collect();
                worker.settle(back).await?;
                return Ok(ended);
            }
            Err(ended) => {
                worker.give_back(parcels).await?;
                return Ok(ended);
            }
        }
    }
}

/// The region refuses the message as it is: alone, that is the record's end; among others, they go
/// one at a time from here.
async fn refused(
    worker: &mut Worker,
    parcels: Vec<Parcel>,
    status: StatusCode,
) -> Result<(), Ended> {
    if parcels.len() > 1 {
        return worker.give_back(parcels).await;
    }
    let reason = format!("refused with status {}", status.as_u16());
    let back = parcels.into_iter().map(|p| (p, Settlement::Rejected { reason: reason.clone() }));
    worker.settle(back.collect()).await
}

enum Answer {
    Each(Vec<Settlement>),
    Refused(StatusCode),
}

async fn post(worker: &Worker, sender: &mut Sender, parcels: &[Parcel]) -> Result<Answer, Ended> {
    let request = request(&worker.region, parcels)?;
    match http::send(sender, request).await? {
        Said::Yes(body) => settlements(&body, parcels.len()).map(Answer::Each).map_err(Ended::Down),
        Said::No(status) => Ok(Answer::Refused(status)),
    }
}

fn request(region: &Region, parcels: &[Parcel]) -> Result<Request<Full<Bytes>>, Ended> {
    let payload = batch::array(parcels);
    let key = ring::digest::digest(&ring::digest::SHA256, &payload);
    let key: String = key.as_ref()[..16].iter().map(|b| format!("{b:02x}")).collect();
    Request::post(&region.address.path)
        .header(header::HOST, region.address.host_and_port())
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", key)
        .body(Full::new(Bytes::from(payload)))
        .map_err(|e| Ended::Down(format!("the address does not fit a request: {e}")))
}

#[derive(Deserialize)]
struct Word {
    #[serde(default)]
    accepted: Vec<usize>,
    #[serde(default)]
    rejected: Vec<Rejected>,
}

#[derive(Deserialize)]
struct Rejected {
    index: usize,
    #[serde(default)]
    reason: String,
}

/// The region's word on each of `count` records. One it does not mention is unknown and goes
/// again; one it names both ways, or an index it was never sent, makes the answer worthless.
fn settlements(body: &[u8], count: usize) -> Result<Vec<Settlement>, String> {
    let word: Word = serde_json::from_slice(body)
        .map_err(|_| "the answer is not the JSON it should be".to_owned())?;
    let mut settled = vec![Settlement::Unknown; count];
    let mut put = |index: usize, settlement| match settled.get_mut(index) {
        Some(slot) if *slot == Settlement::Unknown => {
            *slot = settlement;
            Ok(())
        }
        Some(_) => Err(format!("the answer names record {index} twice")),
        None => Err(format!("the answer names record {index}, of {count} sent")),
    };
    for index in word.accepted {
        put(index, Settlement::Accepted { receipt: None })?;
    }
    for Rejected { index, reason } in word.rejected {
        let reason = reason.chars().filter(|c| !c.is_control()).take(200).collect();
        put(index, Settlement::Rejected { reason })?;
    }
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(body: &str, count: usize, expect: Result<&str, &str>) {
        let got = settlements(body.as_bytes(), count).map(|all| {
            let letter = |s: &Settlement| match s {
                Settlement::Accepted { .. } => 'a',
                Settlement::Rejected { .. } => 'r',
                Settlement::Unknown => '?',
            };
            all.iter().map(letter).collect::<String>()
        });
        let got = got.as_deref().map_err(String::as_str);
        assert_eq!(got, expect, "{body}");
    }

    #[test]
    fn each_record_is_settled_by_itself() {
        check(r#"{"accepted":[0,2],"rejected":[{"index":1,"reason":"no"}]}"#, 3, Ok("ara"));
        check(r#"{"accepted":[1]}"#, 3, Ok("?a?"));
        check("{}", 2, Ok("??"));
        check(r#"{"accepted":[2]}"#, 2, Err("the answer names record 2, of 2 sent"));
        check(r#"{"accepted":[0,0]}"#, 2, Err("the answer names record 0 twice"));
        check("<html>", 2, Err("the answer is not the JSON it should be"));
        check(r#"{"accepted":"all"}"#, 2, Err("the answer is not the JSON it should be"));
    }

    proptest! {
        #[test]
        fn any_answer_is_survived(body: Vec<u8>, count in 0usize..200) {
            let _ = settlements(&body, count);
        }
    }
}
