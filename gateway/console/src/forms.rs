//! Forms on their way in: origin, form token, and the second factor where a route asks for it.
//!
//! What somebody typed is not lost: a form that comes without its second factor, or after its
//! session ended, comes back as a page that holds it and asks for what is missing. That page is
//! given only to a form that a page of ours sent (its `Origin` says so), and never holds a
//! password.

use crate::access::Route;
use crate::app::Shared;
use crate::guard::{Problem, Seat, VISIT_COOKIE, Visitor, cookie};
use crate::hosts;
use crate::pages::{self, again::Again};
use crate::session::{STEP_UP, Token};
use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest, Multipart, Request};
use axum::http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN};
use axum::http::request::Parts;
use axum::response::Response;
use futures_util::StreamExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Bytes of a form that is kept for somebody who has to log in first.
const KEPT_BODY: usize = 16 << 10;
/// The same where a route takes tables or policies, for [`KEEPING`] at a time.
const KEPT_LARGE: usize = 1 << 20;
/// Large forms that are kept at a time: whoever sends one is nobody yet.
pub(crate) const KEEPING: usize = 4;
/// Time for a form to arrive.
const BODY: Duration = Duration::from_secs(10);
/// Bytes of a form that is too long which are still read.
const MAX_DRAINED: usize = 64 << 20;
/// Fields of a form that are looked at.
const MAX_FIELDS: usize = 200;
/// Fields that are never given back.
const SECRETS: [&str; 4] = ["password", "again", "current", "pin"];

/// A form's fields, in order.
pub(crate) type Fields = Vec<(String, String)>;

/// The first field of this name.
fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// Reads a form once and gives it on only if it comes from our own page and, where the route asks
/// for it, with the second factor; else the page to answer with.
pub(crate) async fn checked(
    app: &Shared,
    visitor: &Visitor,
    route: Route,
    request: Request,
) -> Result<Request, Box<Response>> {
    let refuse = |problem| Box::new(pages::problem(app, visitor, &problem));
    if !is_ours(request.headers()) {
        return Err(refuse(Problem::Stale));
    }
    let (parts, body, upload) = read(request, route.max_body()).await.map_err(refuse)?;
    let Some(csrf) = field(&upload.fields, "csrf") else { return Err(refuse(Problem::Form)) };
    // A language is nobody's secret, and a guest's page has the token of the guest.
    let fits = |token: Token| app.sessions.csrf_fits(&token, csrf);
    if route != Route::Language && !token(visitor, &parts.headers).is_some_and(fits) {
        let again = Again::of(&upload, &SECRETS).filter(|_| visitor.seat.is_some());
        return Err(match again {
            Some(again) => Box::new(again.send(app, visitor)),
            None => refuse(Problem::Stale),
        });
    }
    if let Some(seat) = visitor.seat.as_ref().filter(|_| route.is_fresh()) {
        step_up(app, visitor, seat, &upload).await?;
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Passes where the second factor was shown within the last minutes, or is shown with the form.
async fn step_up(
    app: &Shared,
    visitor: &Visitor,
    seat: &Seat,
    upload: &Upload,
) -> Result<(), Box<Response>> {
    let now = Instant::now();
    if app.second_factor.is_waived() || seat.stepped_up(STEP_UP, now) {
        return Ok(());
    }
    let typed = field(&upload.fields, "code").map(|code| Zeroizing::new(code.to_owned()));
    let Some(again) = Again::of(upload, &SECRETS) else {
        return Err(Box::new(pages::problem(app, visitor, &Problem::Form)));
    };
    let Some(typed) = typed else { return Err(Box::new(again.code(app, visitor, ""))) };
    if app.throttle.take(&seat.account, true, now).is_err() {
        return Err(Box::new(again.code(app, visitor, "code-too-many")));
    }
    let account = app.handles.accounts.find(&seat.account);
    let secret = account.as_ref().and_then(|account| app.handles.accounts.factor(account));
    let right = match secret {
        Some(secret) => app.takes_code(&seat.account, &secret, &typed).await,
        None => Ok(false),
    };
    let right = right.map_err(|problem| Box::new(pages::problem(app, visitor, &problem)))?;
    if !right {
        return Err(Box::new(again.code(app, visitor, "code-wrong")));
    }
    app.throttle.forget(&seat.account);
    app.sessions.step_up(&seat.token, now);
    Ok(())
}

/// The page for a form whose session is over: it keeps what was typed. `None` where there is
/// nothing to keep.
pub(crate) async fn kept(
    app: &Shared,
    visitor: &Visitor,
    route: Option<Route>,
    request: Request,
) -> Option<Response> {
    if !is_ours(request.headers()) {
        return None;
    }
    let large = route.is_some_and(|route| route.max_body() > KEPT_BODY);
    let turn = if large { app.keeping.try_acquire().ok() } else { None };
    let most = if turn.is_some() { KEPT_LARGE } else { KEPT_BODY };
    let (_, _, upload) = read(request, most).await.ok()?;
    Some(Again::of(&upload, &SECRETS)?.log_in(app, visitor))
}

/// Whether a page of ours sent it.
fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let (origin, host) = (text(ORIGIN), text(HOST).unwrap_or_default());
    origin.is_some_and(|origin| hosts::same_origin(origin, host))
}

/// The token that the form's own has to fit.
fn token(visitor: &Visitor, headers: &HeaderMap) -> Option<Token> {
    match (&visitor.guest, &visitor.seat) {
        (Some(entry), _) => Some(entry.token.clone()),
        (None, Some(seat)) => Some(seat.token.clone()),
        (None, None) => cookie(headers, VISIT_COOKIE).and_then(Token::read),
    }
}

async fn read(request: Request, most: usize) -> Result<(Parts, Bytes, Arc<Upload>), Problem> {
    let (mut parts, body) = request.into_parts();
    let body =
        tokio::time::timeout(BODY, gather(body, most)).await.map_err(|_| Problem::Form)??;
    let copy = Request::from_parts(parts.clone(), Body::from(body.clone()));
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let multipart = kind.is_some_and(|kind| kind.starts_with("multipart/form-data"));
    let upload = match multipart {
        true => upload(copy).await?,
        false => {
            let fields = Form::<Fields>::from_request(copy, &()).await;
            Upload { fields: fields.map_err(|_| Problem::Form)?.0, ..Upload::default() }
        }
    };
    if upload.fields.len() > MAX_FIELDS {
        return Err(Problem::Form);
    }
    let upload = Arc::new(upload);
    parts.extensions.insert(upload.clone());
    Ok((parts, body, upload))
}

/// All of a body. What is too long is read on and thrown away, since a browser that is still sending
/// would not hear the answer.
async fn gather(body: Body, most: usize) -> Result<Bytes, Problem> {
    let (mut stream, mut bytes, mut length) = (body.into_data_stream(), Vec::new(), 0usize);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::Form)?;
        length = length.saturating_add(chunk.len());
        if length > MAX_DRAINED {
            break;
        }
        if length <= most { bytes.extend_from_slice(&chunk) } else { bytes = Vec::new() }
    }
    if length > most { Err(Problem::Large(most)) } else { Ok(bytes.into()) }
}

/// A form, with a file where one came: what its handler finds among the request's extensions.
#[derive(Default)]
pub(crate) struct Upload {
    pub(crate) fields: Fields,
    /// The file's bytes; empty where none was chosen.
    pub(crate) file: Bytes,
    /// What the file is called where it comes from.
    pub(crate) file_name: Option<String>,
}

impl Upload {
    /// The first field of this name, or nothing.
    pub(crate) fn field(&self, name: &str) -> &str {
        field(&self.fields, name).unwrap_or_default()
    }
}

async fn upload(request: Request) -> Result<Upload, Problem> {
    let mut parts = Multipart::from_request(request, &()).await.map_err(|_| Problem::Form)?;
    let mut upload = Upload::default();
    while let Some(part) = parts.next_field().await.map_err(|_| Problem::Form)? {
        let name = part.name().unwrap_or_default().to_owned();
        if let Some(called) = part.file_name().map(str::to_owned) {
            upload.file_name = Some(called);
            upload.file = part.bytes().await.map_err(|_| Problem::Form)?;
        } else {
            let text = part.text().await.map_err(|_| Problem::Form)?;
            upload.fields.push((name, text));
        }
        if upload.fields.len() > MAX_FIELDS {
            return Err(Problem::Form);
        }
    }
    Ok(upload)
}
