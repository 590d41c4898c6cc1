//! DingTalk's calls as bytes: requests written, answers read. Pure.
//!
//! What is sent of a punch is its user id, a name for the terminal and its time in milliseconds;
//! `photo_url` exists there and is never written. What is read back is the user, the time and the
//! row's id: places, networks and addresses that the answer may carry are not looked at.

use crate::region::Tenant;
use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Users and days that one read-back may ask for.
pub(crate) const MAX_USERS: usize = 50;
/// See [`MAX_USERS`].
pub(crate) const MAX_DAYS: i64 = 7;
/// DingTalk's clock.
const OFFSET: Offset = Offset::constant(8);
const DAY_MS: i64 = 86_400_000;
/// What stands for a terminal where the profile names none.
const DEVICE: &str = "gateway";

/// Codes that say the access token is no longer good.
const TOKEN: &[i64] = &[40014, 42001, 33001];
/// The month's calls are used up.
const QUOTA: &[i64] = &[90020];
/// Too many calls at a time.
const PACE: &[i64] = &[90002, 90005, 90006, 90018];
/// The record itself is at fault: its user is unknown there, or a value is refused.
const RECORD: &[i64] = &[41, 33012, 40035, 60121, 400_002];
/// "See the sub-code".
const SUB_CODE: i64 = 88;

/// One punch as DingTalk takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Upload {
    pub(crate) userid: String,
    device_name: String,
    device_id: String,
    /// Milliseconds since 1970.
    pub(crate) user_check_time: i64,
}

impl Upload {
    /// Reads a parcel; the error is why DingTalk can never take it.
    pub(crate) fn of_parcel(bytes: &[u8]) -> Result<Self, &'static str> {
        #[derive(Deserialize)]
        struct Fields {
            platform_user_id: Option<String>,
            check_time: Option<String>,
            device_alias: Option<String>,
        }
        let fields: Fields = serde_json::from_slice(bytes).map_err(|_| "the parcel is not JSON")?;
        let userid = fields.platform_user_id.ok_or("the profile leaves out platform_user_id")?;
        let time = fields.check_time.ok_or("the profile leaves out check_time")?;
        let at: Timestamp =
            time.parse().map_err(|_| "the profile's time_precision is coarser than an hour")?;
        let device = fields.device_alias.unwrap_or_else(|| DEVICE.to_owned());
        Ok(Self {
            userid,
            device_name: device.clone(),
            device_id: device,
            user_check_time: at.as_millisecond(),
        })
    }

    /// The body of the call.
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The body that asks for a token; zeroized when it goes.
pub(crate) fn token_body(tenant: &Tenant) -> Zeroizing<Vec<u8>> {
    #[derive(Serialize)]
    struct Ask<'a> {
        client_id: &'a str,
        client_secret: &'a str,
        grant_type: &'a str,
    }
    let ask = Ask {
        client_id: &tenant.client_id,
        client_secret: tenant.secret.trim(),
        grant_type: "client_credentials",
    };
    Zeroizing::new(serde_json::to_vec(&ask).unwrap_or_default())
}

/// Leave to call, for a while.
pub(crate) struct Token {
    pub(crate) text: Zeroizing<String>,
    pub(crate) seconds: i64,
}

/// Why there is no token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoToken {
    /// Another company's: nothing may be sent.
    WrongTenant,
    /// The answer is not one.
    Unreadable,
}

/// Reads the answer to [`token_body`] for the tenant `corp_id`. DingTalk documents an answer of
/// `access_token` and `expires_in` alone: the company is in the call's address. One that names
/// another company all the same is refused.
pub(crate) fn token(body: &[u8], corp_id: &str) -> Result<Token, NoToken> {
    #[derive(Deserialize)]
    struct Given {
        #[serde(alias = "accessToken")]
        access_token: String,
        #[serde(alias = "expireIn", alias = "expiresIn", default)]
        expires_in: i64,
        #[serde(alias = "corp_id", alias = "corpid", alias = "CorpId", rename = "corpId")]
        corp_id: Option<String>,
    }
    let given: Given = serde_json::from_slice(body).map_err(|_| NoToken::Unreadable)?;
    let text = Zeroizing::new(given.access_token);
    if given.corp_id.is_some_and(|named| named != corp_id) {
        return Err(NoToken::WrongTenant);
    }
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"-_.~".contains(&c);
    let seconds = given.expires_in.clamp(0, 7_200);
    if text.is_empty() || text.len() > 512 || !text.bytes().all(fits) {
        return Err(NoToken::Unreadable);
    }
    Ok(Token { text, seconds })
}

/// What an answer means for the record it is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Taken; with the id of the call, where there is one.
    Taken(Option<String>),
    /// Refused for good.
    Refused(String),
    /// The token is no longer good.
    Token,
    /// The month's calls are used up.
    Quota,
    /// Too many calls at a time.
    Pace,
    /// Something else is wrong; nothing is known of the record.
    Trouble(String),
}

#[derive(Deserialize)]
struct Word {
    errcode: i64,
    #[serde(alias = "subcode")]
    sub_code: Option<String>,
    request_id: Option<String>,
}

impl Word {
    fn code(&self) -> i64 {
        let sub = self.sub_code.as_deref().and_then(|code| code.parse().ok());
        if self.errcode == SUB_CODE { sub.unwrap_or(SUB_CODE) } else { self.errcode }
    }

    /// Whether a sub-code in words says so.
    fn says(&self, what: &str) -> bool {
        self.sub_code.as_deref().is_some_and(|code| code.contains(what))
    }
}

/// Reads the answer to an upload. `errmsg` is not used: it may name people.
pub(crate) fn answer(body: &[u8]) -> Answer {
    let Ok(word) = serde_json::from_slice::<Word>(body) else {
        return Answer::Trouble("the answer is not the JSON it should be".into());
    };
    let code = word.code();
    if code == 0 {
        return Answer::Taken(word.request_id.map(|id| clean(&id)));
    }
    if QUOTA.contains(&code) || word.says("ApiCountLimit") {
        return Answer::Quota;
    }
    if PACE.contains(&code) || word.says("QpsLimit") {
        return Answer::Pace;
    }
    let said = format!("DingTalk answered errcode {code}");
    match code {
        _ if TOKEN.contains(&code) => Answer::Token,
        _ if RECORD.contains(&code) => Answer::Refused(said),
        60011 => Answer::Trouble(said + ": the application lacks AttendanceRecord.Write"),
        _ => Answer::Trouble(said),
    }
}

/// One read-back: users and a span of time, never more than is allowed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadBack {
    user_ids: Vec<String>,
    check_date_from: String,
    check_date_to: String,
    #[serde(rename = "isI18n")]
    is_i18n: &'static str,
}

impl ReadBack {
    /// As few calls as cover all `punches`, each a user and a time in milliseconds.
    pub(crate) fn of(punches: &[(&str, i64)]) -> Vec<Self> {
        let mut sorted: Vec<_> = punches.to_vec();
        sorted.sort_unstable_by_key(|&(user, ms)| (ms, user));
        let mut calls = Vec::new();
        while let Some(&(_, first)) = sorted.first() {
            let (mut users, mut last) = (Vec::<&str>::new(), first);
            let mut rest = Vec::new();
            for &(user, ms) in &sorted {
                let known = users.contains(&user);
                // A day of margin on both sides.
                let fits = ms - first <= (MAX_DAYS - 2) * DAY_MS;
                if fits && (known || users.len() < MAX_USERS) {
                    last = last.max(ms);
                    if !known {
                        users.push(user);
                    }
                } else {
                    rest.push((user, ms));
                }
            }
            calls.push(Self::call(&users, first - DAY_MS, last + DAY_MS));
            sorted = rest;
        }
        calls
    }

    fn call(users: &[&str], from: i64, to: i64) -> Self {
        Self {
            user_ids: users.iter().map(|user| (*user).to_owned()).collect(),
            check_date_from: local(from),
            check_date_to: local(to),
            is_i18n: "false",
        }
    }

    /// The body of the call.
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn local(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    OFFSET.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A punch that DingTalk has.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) user_id: String,
    /// Milliseconds since 1970.
    pub(crate) user_check_time: i64,
    #[serde(default)]
    pub(crate) id: u64,
    corp_id: Option<String>,
}

/// Why a read-back says nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Rows of another company, or of none.
    WrongTenant,
    /// As for an upload; never [`Answer::Taken`].
    Answer(Answer),
}

/// Reads the answer to a read-back of the tenant `corp_id`: every row has to name it, as documented.
pub(crate) fn rows(body: &[u8], corp_id: &str) -> Result<Vec<Row>, Unread> {
    #[derive(Deserialize)]
    struct Rows {
        #[serde(default)]
        recordresult: Vec<Row>,
    }
    match answer(body) {
        Answer::Taken(_) => {}
        other => return Err(Unread::Answer(other)),
    }
    let rows: Rows = serde_json::from_slice(body).map_err(|_| {
        Unread::Answer(Answer::Trouble("the rows are not the JSON they should be".into()))
    })?;
    let foreign = |row: &Row| row.corp_id.as_deref() != Some(corp_id);
    if rows.recordresult.iter().any(foreign) {
        return Err(Unread::WrongTenant);
    }
    Ok(rows.recordresult)
}

/// An id as it may be journaled: letters, digits and a few marks, at most 64.
fn clean(id: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    id.chars().filter(fits).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_parcel_becomes_an_upload_of_four_values() {
        let check = |parcel: &str, expect: Result<&str, &str>| {
            let got = Upload::of_parcel(parcel.as_bytes());
            let got = got.map(|upload| String::from_utf8(upload.body()).unwrap());
            assert_eq!(got.as_deref().map_err(|e| *e), expect, "{parcel}");
        };
        check(
            r#"{"event_id":"E","platform_user_id":"u1","check_time":"2026-12-01T08:59+08:00","device_alias":"gate-07"}"#,
            Ok(
                r#"{"userid":"u1","device_name":"gate-07","device_id":"gate-07","user_check_time":1796086740000}"#,
            ),
        );
        check(
            r#"{"platform_user_id":"u1","check_time":"2026-12-01T08:59:31+08:00","photo_url":"x"}"#,
            Ok(
                r#"{"userid":"u1","device_name":"gateway","device_id":"gateway","user_check_time":1796086771000}"#,
            ),
        );
        check(r#"{"check_time":"x"}"#, Err("the profile leaves out platform_user_id"));
        check(r#"{"platform_user_id":"u"}"#, Err("the profile leaves out check_time"));
        check(
            r#"{"platform_user_id":"u","check_time":"2026-12-01"}"#,
            Err("the profile's time_precision is coarser than an hour"),
        );
        check("[]", Err("the parcel is not JSON"));
    }

    #[test]
    fn answers_are_told_apart() {
        let check = |body: &str, expect: Answer| assert_eq!(answer(body.as_bytes()), expect);
        check(
            r#"{"errcode":0,"errmsg":"ok","request_id":"ab<1>"}"#,
            Answer::Taken(Some("ab1".into())),
        );
        check(r#"{"errcode":90020,"errmsg":"x"}"#, Answer::Quota);
        check(
            r#"{"errcode":88,"sub_code":"Forbidden.AccessDenied.ApiCountLimitForOrg"}"#,
            Answer::Quota,
        );
        check(r#"{"errcode":90018}"#, Answer::Pace);
        check(r#"{"errcode":88,"sub_code":"40014"}"#, Answer::Token);
        check(
            r#"{"errcode":60121,"errmsg":"a name"}"#,
            Answer::Refused("DingTalk answered errcode 60121".into()),
        );
        check(r#"{"errcode":-1}"#, Answer::Trouble("DingTalk answered errcode -1".into()));
        check(
            r#"{"errcode":88,"subcode":"60011"}"#,
            Answer::Trouble(
                "DingTalk answered errcode 60011: the application lacks AttendanceRecord.Write"
                    .into(),
            ),
        );
        check("<html>", Answer::Trouble("the answer is not the JSON it should be".into()));
    }

    #[test]
    fn a_token_of_another_company_is_none() {
        let check = |body: &str, expect: Result<(&str, i64), NoToken>| {
            let got = token(body.as_bytes(), "ding1");
            let got = got.as_ref().map(|t| (t.text.as_str(), t.seconds));
            assert_eq!(got, expect.as_ref().copied(), "{body}");
        };
        check(r#"{"access_token":"t","expires_in":7200}"#, Ok(("t", 7200)));
        check(r#"{"accessToken":"t","expireIn":99999,"corpId":"ding1"}"#, Ok(("t", 7200)));
        check(r#"{"access_token":"t","corpId":"ding2"}"#, Err(NoToken::WrongTenant));
        check(r#"{"access_token":"t","corp_id":"ding2"}"#, Err(NoToken::WrongTenant));
        check(r#"{"access_token":"t&x=1","expires_in":1}"#, Err(NoToken::Unreadable));
        check(r#"{"code":"invalidClient"}"#, Err(NoToken::Unreadable));
    }

    #[test]
    fn rows_of_another_company_are_refused() {
        let row = |corp: &str| {
            format!(
                r#"{{"errcode":0,"recordresult":[{{"userId":"u","userCheckTime":5,"id":7,"corpId":"{corp}","userLatitude":1.0}}]}}"#
            )
        };
        assert_eq!(rows(row("ding1").as_bytes(), "ding1").unwrap()[0].id, 7);
        assert_eq!(rows(row("ding2").as_bytes(), "ding1"), Err(Unread::WrongTenant));
        let unnamed = br#"{"errcode":0,"recordresult":[{"userId":"u","userCheckTime":5}]}"#;
        assert_eq!(rows(unnamed, "ding1"), Err(Unread::WrongTenant), "a row of no company");
        assert_eq!(rows(br#"{"errcode":90020}"#, "ding1"), Err(Unread::Answer(Answer::Quota)));
        assert_eq!(rows(br#"{"errcode":0}"#, "ding1"), Ok(Vec::new()));
    }

    proptest! {
        /// Every punch is covered, and no call asks for more than is allowed.
        #[test]
        fn read_backs_stay_within_what_is_allowed(
            punches in prop::collection::vec((0u8..120, 0i64..30 * DAY_MS), 1..200)
        ) {
            let named: Vec<_> =
                punches.iter().map(|(user, ms)| (format!("u{user}"), *ms)).collect();
            let asked: Vec<_> = named.iter().map(|(user, ms)| (user.as_str(), *ms)).collect();
            let calls = ReadBack::of(&asked);
            for call in &calls {
                prop_assert!((1..=MAX_USERS).contains(&call.user_ids.len()));
                let days = |text: &str| {
                    let at: jiff::civil::DateTime = text.replace(' ', "T").parse().unwrap();
                    at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond()
                };
                let span = days(&call.check_date_to) - days(&call.check_date_from);
                prop_assert!(span <= MAX_DAYS * DAY_MS, "{span}");
            }
            for (user, ms) in asked {
                let covers = |call: &&ReadBack| {
                    call.user_ids.iter().any(|u| u == user)
                        && call.check_date_from <= local(ms) && local(ms) <= call.check_date_to
                };
                prop_assert!(calls.iter().any(|call| covers(&call)));
            }
        }

        #[test]
        fn any_answer_is_survived(body: Vec<u8>) {
            let _ = (answer(&body), rows(&body, "d"), token(&body, "d").is_ok());
            let _ = Upload::of_parcel(&body);
        }
    }
}
