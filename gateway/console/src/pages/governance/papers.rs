//! Legal evidence: what is on file, for which lane, and when it ends; and filing more.
//!
//! Of a document its hash and what it says of itself are kept; the document stays with whoever has
//! it. What is filed here is a proposal, on file once two signers stand behind it.

use super::{account, refused, tabs};
use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::forms::Upload;
use crate::guard::{Problem, Visitor};
use crate::pages::{Badge, Link, Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::{PaperFiled, PaperOnFile};
use muster_residency::facts::Lane;
use ring::digest::{SHA256, digest};
use std::sync::Arc;

/// Papers shown, those that end first.
const MAX_PAPERS: usize = 500;
/// A paper that ends within so many days is amber.
const SOON_MS: i64 = 30 * 24 * 3600 * 1000;

struct Row {
    number: u32,
    kind: String,
    lane: String,
    state: Badge,
    from: String,
    to: String,
    file: String,
    sha256: String,
    filed_by: String,
}

#[derive(Template)]
#[template(path = "papers.html")]
struct Page<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    trouble: String,
    done: String,
    may: bool,
    paper: PaperForm,
    rows: Vec<Row>,
}

/// `GET /governance/papers`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    shown(&app, &visitor, StatusCode::OK, (String::new(), String::new()), form(&app))
}

/// The form for a paper, with what was typed.
#[derive(Default)]
pub(super) struct PaperForm {
    /// Types that policy and law pack name.
    pub(super) kinds: Vec<String>,
    pub(super) kind: String,
    pub(super) lane: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) number: String,
    pub(super) parties: String,
    pub(super) destination: String,
    pub(super) clause: String,
    pub(super) decision: String,
    pub(super) module: String,
    pub(super) sha256: String,
    pub(super) name: String,
}

/// An empty form.
pub(super) fn form(app: &App) -> PaperForm {
    PaperForm { kinds: app.handles.steward.paper_types(), ..PaperForm::default() }
}

fn typed(app: &App, upload: &Upload) -> PaperForm {
    let field = |name: &str| upload.field(name).trim().to_owned();
    PaperForm {
        kind: field("type"),
        lane: field("lane"),
        from: field("from"),
        to: field("to"),
        number: field("number"),
        parties: field("parties"),
        destination: field("destination"),
        clause: field("clause"),
        decision: field("decision"),
        module: field("module"),
        sha256: field("sha256").to_ascii_lowercase(),
        name: field("name"),
        ..form(app)
    }
}

/// `POST /governance/papers`: files a document, or proposes it once the box is set up.
pub(crate) async fn file(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Extension(upload): Extension<Arc<Upload>>,
) -> Result<Response, Problem> {
    let (t, typed) = (&visitor.t, typed(&app, &upload));
    let refuse = |trouble: String, typed: PaperForm| {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        shown(&app, &visitor, status, (trouble, String::new()), typed)
    };
    let paper = match paper(&app, &typed, &upload) {
        Ok(paper) => paper,
        Err(message) => return refuse(t.say(message), typed),
    };
    if let Err(why) = paper.check() {
        return refuse(why.told(t.language.tongue()), typed);
    }
    let done = match app.handles.steward.file_paper(account(&visitor)?, paper).await {
        Ok(None) => t.say("paper-on-file"),
        Ok(Some(request)) => t.with("paper-proposed", "request", &request.id),
        Err(error) => return refuse(refused(&error)?, typed),
    };
    shown(&app, &visitor, StatusCode::OK, (String::new(), done), form(&app))
}

/// The paper that a form describes, or the message that says what is missing.
fn paper(app: &App, typed: &PaperForm, upload: &Upload) -> Result<PaperFiled, &'static str> {
    let own = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let sha256 = match upload.file.is_empty() {
        true => own(&typed.sha256).ok_or("paper-no-document")?,
        false => hex(digest(&SHA256, &upload.file).as_ref()),
    };
    let name = upload.file_name.as_deref().map(str::trim).and_then(own).or(own(&typed.name));
    let lines = typed.parties.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(PaperFiled {
        kind: typed.kind.clone(),
        lane: Lane::from_text(&typed.lane).ok_or("paper-no-lane")?,
        from: app.zone.moment(&typed.from).ok_or("paper-no-moment")?,
        to: app.zone.moment(&typed.to).ok_or("paper-no-moment")?,
        sha256,
        file: name.ok_or("paper-no-name")?,
        filing_number: own(&typed.number),
        parties: lines.map(str::to_owned).collect(),
        destination: own(&typed.destination),
        clause: own(&typed.clause.replace("\r\n", "\n")),
        decision: own(&typed.decision),
        module: own(&typed.module),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn shown(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    (trouble, done): (String, String),
    paper: PaperForm,
) -> Result<Response, Problem> {
    let (t, now_ms) = (&visitor.t, app.now_ms());
    let mut papers = app.handles.steward.papers();
    papers.sort_by_key(|filed| (filed.withdrawn_ms.is_some(), filed.paper.to));
    papers.truncate(MAX_PAPERS);
    let page = Page {
        shell: Shell::new(app, visitor, t.say("governance-papers"), "/governance/papers"),
        t,
        tabs: tabs(visitor, Route::Papers),
        trouble,
        done,
        may: visitor.admits(Route::PaperFile),
        paper,
        rows: papers.iter().map(|filed| row(app, t, filed, now_ms)).collect(),
    };
    html(status, &page)
}

fn row(app: &App, t: &Words, filed: &PaperOnFile, now_ms: i64) -> Row {
    let paper = &filed.paper;
    let (from, to) = (paper.from.as_millisecond(), paper.to.as_millisecond());
    let (tone, label) = match () {
        () if filed.withdrawn_ms.is_some() => ("quiet", "paper-withdrawn"),
        () if to <= now_ms => ("bad", "paper-ended"),
        () if now_ms < from => ("info", "paper-to-come"),
        () if to - now_ms <= SOON_MS => ("warn", "paper-ends-soon"),
        () => ("good", "paper-in-force"),
    };
    Row {
        number: filed.number,
        kind: visible(&paper.kind),
        lane: paper.lane.to_string(),
        state: Badge { tone, label: t.say(label) },
        from: app.zone.stamp(from, now_ms, t),
        to: app.zone.stamp(to, now_ms, t),
        file: visible(&paper.file),
        sha256: paper.sha256.clone(),
        filed_by: visible(&filed.filed_by),
    }
}
