//! What stands before every page: host, session, roles, origin and form token, time, headers.

use crate::access::{Guest, Route};
use crate::app::Shared;
use crate::connection::Ends;
use crate::forms;
use crate::guest::{self, Entry, Who};
use crate::hosts;
use crate::pages;
use crate::session::{Stage, Token};
use crate::words::{Language, Words};
use axum::extract::{Request, State};
use axum::http::header::{
    self, ACCEPT_LANGUAGE, CACHE_CONTROL, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue,
    LOCATION, SET_COOKIE,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use muster_attendance::PersonId;
use muster_ledger::{Role, ViewsError};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time for one answer, its form read included.
const ANSWER: Duration = Duration::from_secs(25);
/// Bytes of all cookies that are looked at.
const MAX_COOKIES: usize = 4 * 1024;

/// The session's cookie.
pub(crate) const SESSION_COOKIE: &str = "__Host-muster";
/// The cookie of somebody not logged in; kept apart so that a link from outside, which brings no
/// `SameSite=Strict` cookie, cannot end a session.
pub(crate) const VISIT_COOKIE: &str = "__Host-visit";
/// The language's cookie.
pub(crate) const LANGUAGE_COOKIE: &str = "__Host-language";

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Sent with every answer. The referrer stays within the site, since without one browsers send
/// `Origin: null` with our own forms.
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
];

/// Who asks, and in which language.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) t: Words,
    /// What a form of theirs must carry.
    pub(crate) csrf: String,
    pub(crate) seat: Option<Seat>,
    /// On routes for those without an account.
    pub(crate) guest: Option<Entry>,
    /// Where the request comes from.
    pub(crate) from: IpAddr,
    /// The box, as the request names it.
    pub(crate) host: String,
    /// The path asked for.
    pub(crate) path: String,
    /// Whether htmx asks for a part of a page.
    pub(crate) partial: bool,
}

impl Visitor {
    /// Whether they may use `route`.
    pub(crate) fn admits(&self, route: Route) -> bool {
        let seat = self.seat.as_ref().map(|seat| (seat.stage, seat.roles.as_slice()));
        match &self.guest {
            Some(entry) => route.admits_guest(entry.guest()),
            None => route.admits(seat),
        }
    }

    /// Where the way home leads.
    pub(crate) fn home(&self) -> &'static str {
        match self.guest.as_ref().map(|entry| entry.guest()) {
            None => "/",
            Some(Guest::Warden) => "/warden",
            Some(Guest::Choosing | Guest::Employee) => "/own",
        }
    }

    /// Whose own punches they see.
    pub(crate) fn own(&self) -> Option<PersonId> {
        match &self.guest {
            Some(Entry { who: Who::Employee(person), .. }) => Some(*person),
            Some(_) => None,
            None => self.seat.as_ref().and_then(|seat| seat.person),
        }
    }
}

/// Somebody logged in.
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) account: String,
    pub(crate) roles: Vec<Role>,
    /// Departments they see; empty is all.
    pub(crate) departments: Vec<String>,
    pub(crate) stage: Stage,
    pub(crate) token: Token,
    /// Whose account it is, where they are in the directory.
    pub(crate) person: Option<PersonId>,
    /// Whether the account is old enough to approve what another asked for.
    pub(crate) may_approve: bool,
    /// When the second factor was shown on purpose.
    stepped: Option<Instant>,
}

impl Seat {
    /// Whether the second factor was shown in this session within `life` before `now`: asked for
    /// on purpose, since a log-in does not count. Routes that are [`Access::Fresh`] need it within
    /// [`STEP_UP`], and ask for it by themselves.
    ///
    /// [`Access::Fresh`]: crate::access::Access::Fresh
    pub(crate) fn stepped_up(&self, life: Duration, now: Instant) -> bool {
        self.stepped.is_some_and(|at| now.saturating_duration_since(at) < life)
    }

    /// Whether they see people of `department`. Only HR is bound to its own.
    pub(crate) fn sees(&self, department: &str) -> bool {
        let everyone = [Role::Dpo, Role::DpoDeputy, Role::Auditor];
        self.departments.is_empty()
            || self.roles.iter().any(|role| everyone.contains(role))
            || self.departments.iter().any(|own| own == department)
    }

    /// Whether [`Seat::sees`] says yes to everyone.
    pub(crate) fn sees_all(&self) -> bool {
        self.sees("\u{0}")
    }
}

/// Why there is no page.
#[derive(Clone, Debug)]
pub(crate) enum Problem {
    /// Not there, or not for them: they cannot tell.
    Missing,
    /// The form's token or origin does not fit.
    Stale,
    /// The form is damaged, came too slowly, or is no form at all.
    Form,
    /// The form has more bytes than are taken of it.
    Large(usize),
    /// The views are being rebuilt.
    Rebuilding { done: u64, total: u64 },
    /// The views cannot be read.
    Views,
    /// Too many at once.
    Busy,
    /// The journal did not take a change.
    NotSaved,
    /// Took too long, or ours.
    Internal,
}

impl From<ViewsError> for Problem {
    fn from(error: ViewsError) -> Self {
        match error {
            ViewsError::Rebuilding { done, total } => Self::Rebuilding { done, total },
            ViewsError::Broken(_) => Self::Views,
        }
    }
}

impl Problem {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Missing => StatusCode::NOT_FOUND,
            Self::Stale => StatusCode::FORBIDDEN,
            Self::Form => StatusCode::BAD_REQUEST,
            Self::Large(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Rebuilding { .. } | Self::Views | Self::Busy | Self::NotSaved => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Problem {
    /// A bare answer that [`guard`] turns into a page in the visitor's language.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Around everything: `Host`, time, headers.
pub(crate) async fn frame(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let named = host_is_ours(&app, &request);
    let mut response = if named {
        let answer = tokio::time::timeout(ANSWER, next.run(request)).await;
        answer.unwrap_or_else(|_| Problem::Internal.status().into_response())
    } else {
        let t = Words::new(app.catalogue.clone(), language(request.headers()));
        (StatusCode::MISDIRECTED_REQUEST, t.say("problem-host")).into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn host_is_ours(app: &Shared, request: &Request) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(Ok(host)), None) = (hosts.next().map(HeaderValue::to_str), hosts.next()) else {
        return false;
    };
    let target = request.uri().authority().map(|authority| authority.as_str());
    let Some(ends) = request.extensions().get::<Ends>() else { return false };
    target.is_none_or(|target| target == host)
        && hosts::is_ours(host, ends.local, &app.allowed_hosts)
}

/// Before one route (`None`: there is no such route): session, roles, origin and form token.
pub(crate) async fn guard(
    State((app, route)): State<(Shared, Option<Route>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let now = Instant::now();
    let (visitor, fresh) = match visitor(&app, &request, route, now) {
        Some(found) => found,
        None => return Problem::Internal.status().into_response(),
    };
    let Some(route) = route.filter(|route| visitor.admits(*route)) else {
        return turn_away(&app, &visitor, route, request).await;
    };
    if request.method() == Method::POST && !route.is_question() {
        request = match forms::checked(&app, &visitor, route, request).await {
            Ok(request) => request,
            Err(answer) => return *answer,
        };
    }
    let visitor = Arc::new(visitor);
    request.extensions_mut().insert(visitor.clone());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = pages::problem(&app, &visitor, &problem);
    }
    let door = matches!(route, Route::LoginPage | Route::EmployeeDoor | Route::WardenDoor);
    if let Some(token) = fresh.filter(|_| door) {
        set_cookie(&mut response, VISIT_COOKIE, token.expose(), None);
    }
    response
}

/// Whoever asks, with the new visit's token where they brought none.
fn visitor(
    app: &Shared,
    request: &Request,
    route: Option<Route>,
    now: Instant,
) -> Option<(Visitor, Option<Token>)> {
    let (headers, path) = (request.headers(), request.uri().path());
    let guest = route.filter(|route| route.is_for_guests());
    let guest = guest.and_then(|route| guest::entry(app, route, headers, now));
    let seat = match seat(app, headers, now, !path.ends_with("/live")) {
        // Who came without an account is not somebody else at the same time.
        _ if guest.is_some() => None,
        None if path.starts_with("/api/") => program(app, headers),
        seat => seat,
    };
    let known = guest.as_ref().map(|entry| &entry.token).or(seat.as_ref().map(|seat| &seat.token));
    let (token, fresh) = match known {
        Some(token) => (token.clone(), None),
        None => match cookie(headers, VISIT_COOKIE).and_then(Token::read) {
            Some(token) => (token, None),
            None => {
                let token = Token::random(&app.random)?;
                (token.clone(), Some(token))
            }
        },
    };
    let visitor = Visitor {
        t: Words::new(app.catalogue.clone(), language(headers)),
        csrf: app.sessions.csrf(&token),
        seat,
        guest,
        host: headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned(),
        from: request.extensions().get::<Ends>().map_or(Ipv4Addr::UNSPECIFIED.into(), |e| e.peer),
        path: path.to_owned(),
        partial: headers.contains_key("hx-request"),
    };
    Some((visitor, fresh))
}

/// The session, with its account as it is now.
fn seat(app: &Shared, headers: &HeaderMap, now: Instant, touch: bool) -> Option<Seat> {
    let token = cookie(headers, SESSION_COOKIE).and_then(Token::read)?;
    let session = app.sessions.find(&token, now, touch)?;
    let account = app.handles.accounts.find(&session.account).filter(|a| !a.disabled)?;
    let may_approve = account.may_approve(app.now_ms());
    Some(Seat {
        account: account.name,
        roles: account.roles,
        departments: account.departments,
        stage: session.stage,
        token,
        person: account.person,
        may_approve,
        stepped: session.stepped,
    })
}

/// The seat of a program that bears a token: it reads, and nothing else, since forms need a
/// session's own token.
fn program(app: &Shared, headers: &HeaderMap) -> Option<Seat> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let digest = crate::api_token::borne(header)?;
    let token = app.handles.accounts.token(&digest, app.now_ms())?;
    Some(Seat {
        account: token.name,
        roles: token.roles,
        departments: token.departments,
        stage: Stage::Member,
        token: Token::random(&app.random)?,
        person: None,
        may_approve: false,
        stepped: None,
    })
}

/// What strangers, those half way in and the not entitled see: the same for what is there and for
/// what is not.
async fn turn_away(
    app: &Shared,
    visitor: &Visitor,
    route: Option<Route>,
    request: Request,
) -> Response {
    if let Some(door) = guest::door(&visitor.path).filter(|_| visitor.seat.is_none()) {
        return see_other(door);
    }
    let to = match visitor.seat.as_ref().map(|seat| seat.stage) {
        Some(Stage::Member) => return pages::problem(app, visitor, &Problem::Missing),
        Some(Stage::Enrolling) => "/welcome",
        Some(Stage::Code) => "/login/code",
        Some(Stage::Pairing) => "/welcome/factor",
        None => "/login",
    };
    if visitor.path.starts_with("/api/") {
        return crate::api::refusal(StatusCode::UNAUTHORIZED, &visitor.t.say("api-log-in"));
    }
    if visitor.partial {
        return (StatusCode::UNAUTHORIZED, [("hx-redirect", to)]).into_response();
    }
    if request.method() == Method::POST
        && visitor.seat.is_none()
        && let Some(page) = forms::kept(app, visitor, route, request).await
    {
        return page;
    }
    see_other(to)
}

fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    cookie(headers, LANGUAGE_COOKIE)
        .and_then(Language::read)
        .unwrap_or_else(|| Language::accepted(accepted.unwrap_or_default()))
}

pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .filter(|line| line.len() <= MAX_COOKIES)
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Adds a cookie that only this box gets, over TLS, from its own pages; `max_age` in seconds, for
/// the browser's session if `None`.
pub(crate) fn set_cookie(response: &mut Response, name: &str, value: &str, max_age: Option<u32>) {
    let life = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{life}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// On to another of our pages.
pub(crate) fn see_other(to: &str) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a header"))])
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        for (line, expect) in [
            ("__Host-muster=abc", Some("abc")),
            ("a=b; __Host-muster=abc; c=d", Some("abc")),
            ("x__Host-muster=abc", None),
            ("__Host-muster2=abc", None),
            ("", None),
        ] {
            assert_eq!(cookie(&headers(COOKIE, line), SESSION_COOKIE), expect, "{line}");
        }
    }

    #[test]
    fn the_cookie_wins_over_the_header() {
        let mut both = headers(COOKIE, "__Host-language=zh-Hant");
        both.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("en"));
        assert_eq!(language(&both), Language::TraditionalChinese);
        for language in Language::ALL {
            let chosen = headers(COOKIE, &format!("{LANGUAGE_COOKIE}={}", language.tag()));
            assert_eq!(super::language(&chosen), language);
        }
        assert_eq!(language(&headers(COOKIE, "__Host-language=xx")), Language::English);
    }

    #[test]
    fn hr_sees_its_departments_and_the_dpo_all() {
        let seat = |roles: &[Role], departments: &[&str]| Seat {
            account: "a".to_owned(),
            roles: roles.to_vec(),
            departments: departments.iter().map(|d| (*d).to_owned()).collect(),
            stage: Stage::Member,
            token: Token::random(&ring::rand::SystemRandom::new()).expect("token"),
            person: None,
            may_approve: true,
            stepped: None,
        };
        for (seat, department, expect) in [
            (seat(&[Role::Hr], &[]), "kitchen", true),
            (seat(&[Role::Hr], &["kitchen"]), "kitchen", true),
            (seat(&[Role::Hr], &["kitchen"]), "office", false),
            (seat(&[Role::Hr], &["kitchen"]), "", false),
            (seat(&[Role::Hr, Role::Dpo], &["kitchen"]), "office", true),
        ] {
            assert_eq!(seat.sees(department), expect, "{:?} {department}", seat.roles);
        }
    }
}
