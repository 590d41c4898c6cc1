//! The pages: each gathers plain values in the visitor's language and time zone, and fills one
//! template. Templates decide nothing and escape everything.

pub(crate) mod accounts;
pub(crate) mod again;
pub(crate) mod card;
pub(crate) mod corrections;
pub(crate) mod day;
pub(crate) mod doctor;
pub(crate) mod employee;
pub(crate) mod enrolment;
pub(crate) mod entrance;
pub(crate) mod explain;
pub(crate) mod factor;
pub(crate) mod flows;
pub(crate) mod governance;
pub(crate) mod health;
pub(crate) mod journal;
pub(crate) mod own;
pub(crate) mod pairing;
pub(crate) mod plans;
pub(crate) mod reports;
pub(crate) mod sheet;
pub(crate) mod terminals;
pub(crate) mod today;
pub(crate) mod unknown;
pub(crate) mod waiting;
pub(crate) mod warden;

use crate::access::Route;
use crate::app::App;
use crate::guard::{Problem, Visitor};
use crate::words::{Language, Words};
use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue, REFRESH, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use muster_ledger::{RecordState, Role};

/// What surrounds every page.
pub(crate) struct Shell {
    pub(crate) lang: &'static str,
    pub(crate) title: String,
    pub(crate) site: String,
    /// Where the name leads.
    pub(crate) home: &'static str,
    /// Empty where nobody is logged in.
    pub(crate) account: String,
    pub(crate) csrf: String,
    pub(crate) nav: Vec<Link>,
    /// Those of the switch.
    pub(crate) languages: Vec<Language>,
    /// The page to come back to.
    pub(crate) here: String,
    pub(crate) css: String,
    pub(crate) js: String,
    pub(crate) htmx: String,
    pub(crate) logo: String,
    /// The second factor is waived here: nobody may think that this is a box in use.
    pub(crate) waived: bool,
}

/// A link, or a value to choose.
pub(crate) struct Link {
    pub(crate) to: String,
    pub(crate) label: String,
    pub(crate) current: bool,
}

/// A word with a colour and a shape: `good`, `warn`, `bad`, `info`, `quiet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    pub(crate) tone: &'static str,
    pub(crate) label: String,
}

/// Pages in the order of the navigation, with their label's message.
const NAV: &[(Route, &str)] = &[
    (Route::Flows, "nav-flows"),
    (Route::Today, "nav-today"),
    (Route::Sheets, "nav-sheets"),
    (Route::OnSite, "nav-onsite"),
    (Route::Terminals, "nav-terminals"),
    (Route::Waiting, "nav-waiting"),
    (Route::Reports, "nav-reports"),
    (Route::Governance, "nav-governance"),
    (Route::Employee, "nav-own"),
    (Route::Health, "nav-health"),
    (Route::Accounts, "nav-accounts"),
];

/// Pages that belong to one of the navigation, by how their paths begin.
const BESIDE: &[(&str, Route)] = &[
    ("/corrections", Route::Sheets),
    ("/plans", Route::Sheets),
    ("/unknown", Route::Sheets),
    ("/access", Route::Sheets),
    ("/wardens", Route::OnSite),
    ("/enrolment", Route::Terminals),
    ("/doctor", Route::Health),
    ("/records/", Route::Waiting),
];

/// What each role opens the page for; who holds several comes for the first of them.
const FIRST: &[(Role, Route)] = &[
    (Role::Hr, Route::Today),
    (Role::Facilities, Route::Terminals),
    (Role::Dpo, Route::Flows),
    (Role::DpoDeputy, Route::Flows),
    (Role::ItAdmin, Route::Flows),
    (Role::Auditor, Route::Flows),
];

impl Shell {
    /// The shell of the page at `here`.
    pub(crate) fn new(app: &App, visitor: &Visitor, title: String, here: &str) -> Self {
        let t = &visitor.t;
        Self {
            lang: t.language.tag(),
            title,
            site: app.site.clone(),
            home: visitor.home(),
            account: visitor.seat.as_ref().map(|seat| seat.account.clone()).unwrap_or_default(),
            csrf: visitor.csrf.clone(),
            nav: nav(visitor, here),
            languages: Language::ALL.into(),
            here: here.to_owned(),
            css: app.assets.css.clone(),
            js: app.assets.js.clone(),
            htmx: app.assets.htmx.clone(),
            logo: app.assets.logo.clone(),
            waived: app.second_factor.is_waived(),
        }
    }

    /// The shell of a page whose session has just been exchanged: without forms and links, since
    /// what they carry is stale.
    pub(crate) fn bare(app: &App, visitor: &Visitor, title: String) -> Self {
        let shell = Self::new(app, visitor, title, "/");
        Self { account: String::new(), nav: Vec::new(), languages: Vec::new(), ..shell }
    }
}

fn nav(visitor: &Visitor, here: &str) -> Vec<Link> {
    let link = |(route, label): &(Route, &str)| {
        let path = route.row().1;
        let inside = here.strip_prefix(path).is_some_and(|t| t.is_empty() || t.starts_with('/'));
        let month = here.starts_with("/people/") && here.contains("/month/");
        let person = *route == Route::Today && here.starts_with("/people/") && !month;
        let kin = BESIDE.iter().any(|(page, of)| of == route && here.starts_with(page));
        let current = inside || person || kin || (*route == Route::Sheets && month);
        Link { to: path.to_owned(), label: visitor.t.say(label), current }
    };
    NAV.iter().filter(|(route, _)| visitor.admits(*route)).map(link).collect()
}

/// The first page a visitor may see.
pub(crate) fn first_page(visitor: &Visitor) -> Option<&'static str> {
    let held = visitor.seat.as_ref().map(|seat| seat.roles.as_slice()).unwrap_or_default();
    let first = FIRST.iter().find(|(role, route)| held.contains(role) && visitor.admits(*route));
    if let Some((_, route)) = first {
        return Some(route.row().1);
    }
    NAV.iter().find(|(route, _)| visitor.admits(*route)).map(|(route, _)| route.row().1)
}

/// A filled template as an answer.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> Result<Response, Problem> {
    match page.render() {
        Ok(text) => {
            Ok((status, [(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response())
        }
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            Err(Problem::Internal)
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    shell: Shell,
    t: &'a Words,
    what: String,
    next: String,
    done: Option<u64>,
    total: u64,
    back: &'static str,
}

/// Seconds after which a page that waits for the views asks again.
/// Seconds until a page that has to wait asks again.
pub(crate) const TRY_AGAIN: HeaderValue = HeaderValue::from_static("5");

/// What went wrong, that nothing was lost, and what to do.
pub(crate) fn problem(app: &App, visitor: &Visitor, problem: &Problem) -> Response {
    let t = &visitor.t;
    let (what, next, done) = words_of(problem, t);
    if visitor.path.starts_with("/api/") {
        return crate::api::refusal(problem.status(), &what);
    }
    let total = if let Problem::Rebuilding { total, .. } = problem { *total } else { 0 };
    let back = first_page(visitor).unwrap_or("/");
    let shell = Shell::new(app, visitor, what.clone(), "/");
    let page = ProblemPage { shell, t, what, next, done, total, back };
    let answer = html(problem.status(), &page);
    let mut answer = answer.unwrap_or_else(|_| problem.status().into_response());
    if done.is_some() {
        answer.headers_mut().insert(RETRY_AFTER, TRY_AGAIN);
        if !visitor.partial {
            answer.headers_mut().insert(REFRESH, TRY_AGAIN);
        }
    }
    answer
}

fn words_of(problem: &Problem, t: &Words) -> (String, String, Option<u64>) {
    let (what, next) = match problem {
        Problem::Missing => ("problem-missing", "problem-missing-next"),
        Problem::Stale => ("problem-stale", "problem-stale-next"),
        Problem::Form => ("problem-form", "problem-form-next"),
        Problem::Large(most) => {
            let most = t.number((*most >> 10) as u64);
            return (t.say("problem-large"), t.with("problem-large-next", "most", &most), None);
        }
        Problem::Rebuilding { .. } => ("problem-rebuilding", "problem-rebuilding-next"),
        Problem::Views => ("problem-views", "problem-views-next"),
        Problem::Busy => ("problem-busy", "problem-busy-next"),
        Problem::NotSaved => ("problem-not-saved", "problem-not-saved-next"),
        Problem::Internal => ("problem-internal", "problem-internal-next"),
    };
    let done = if let Problem::Rebuilding { done, .. } = problem { Some(*done) } else { None };
    (t.say(what), t.say(next), done)
}

/// How a record's sending stands.
pub(crate) fn sending(state: RecordState, t: &Words) -> Badge {
    let (tone, label) = match state {
        RecordState::Held => ("warn", "state-held"),
        RecordState::Queued => ("info", "state-queued"),
        RecordState::Settled => ("good", "state-settled"),
        RecordState::Dropped => ("quiet", "state-dropped"),
        RecordState::Quarantined => ("bad", "state-quarantined"),
    };
    Badge { tone, label: t.say(label) }
}
