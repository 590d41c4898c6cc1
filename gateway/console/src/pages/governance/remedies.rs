//! The three remedies where records go, or would go, the wrong way: tighten the policy, switch a
//! destination, attach a filing. Each starts its own approval: one signature under a tightening,
//! two under everything that frees.

use super::papers::{self, PaperForm};
use super::{account, tabs};
use crate::access::Route;
use crate::app::{App, Shared, visible};
use crate::forms::Upload;
use crate::guard::{Problem, Visitor, see_other};
use crate::pages::{Link, Shell, html};
use crate::words::Words;
use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use muster_ledger::{GovernError, Governance, PolicyRefused, PolicyVersion};
use muster_residency::check::{Finding, Severity};
use muster_residency::{LawPack, ParseError, Policy, edit};
use std::sync::Arc;

/// Drafts listed.
const MAX_DRAFTS: usize = 16;
/// Problems shown of one text.
const MAX_PROBLEMS: usize = 100;

/// A problem of a policy's text.
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) what: String,
    pub(super) cure: String,
    /// `lang` of the two texts, where it is not the page's.
    pub(super) lang: &'static str,
}

impl Fault {
    pub(super) fn of(finding: &Finding, t: &Words) -> Self {
        let told = finding.told(t.language.tongue());
        let what = format!("{}: {}", visible(&told.what), visible(&told.why));
        Self { line: finding.line, what, cure: visible(&told.cure), lang: "" }
    }

    fn parse(error: &ParseError) -> Self {
        let (what, cure) = (visible(&error.what), visible(&error.cure));
        Self { line: error.line, what, cure, lang: "en" }
    }

    fn plain(text: &str) -> Self {
        Self { line: 0, what: visible(text), cure: String::new(), lang: "en" }
    }
}

#[derive(Template)]
#[template(path = "remedies.html")]
struct Page<'a> {
    shell: Shell,
    t: &'a Words,
    tabs: Vec<Link>,
    trouble: String,
    done: String,
    may: bool,
    faults: Vec<Fault>,
    drafts: Vec<Link>,
    /// What stands in the form: what was typed, or the policy in force with the next number.
    text: String,
    permits: Vec<Link>,
    destinations: Vec<String>,
    paper: PaperForm,
}

/// `GET /governance/remedies`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
) -> Result<Response, Problem> {
    shown(&app, &visitor, StatusCode::OK, Said::default())
}

/// What the page says of a form.
#[derive(Default)]
pub(super) struct Said {
    pub(super) trouble: String,
    pub(super) done: String,
    pub(super) faults: Vec<Fault>,
    /// The policy as it was typed.
    pub(super) typed: Option<String>,
}

/// `POST /governance/drafts`: a whole text, or a permit that is to lead elsewhere.
pub(crate) async fn draft(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Extension(upload): Extension<Arc<Upload>>,
) -> Result<Response, Problem> {
    let refused = |faults: Vec<Fault>, typed: Option<String>| {
        let trouble = visitor.t.say("draft-refused");
        let said = Said { trouble, faults, typed, ..Said::default() };
        shown(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, said)
    };
    let (policy, typed) = match wanted(&app, &upload) {
        Ok(both) => both,
        Err(why) => return refused(vec![Fault::plain(&why)], None),
    };
    let typed = typed.then(|| policy.clone());
    let law_pack = match (app.handles.policy_files.law_pack)() {
        Ok(law_pack) => law_pack,
        Err(why) => return refused(vec![Fault::plain(&why)], typed),
    };
    let faults = faults(&app, &visitor.t, &policy, &law_pack);
    if !faults.is_empty() {
        return refused(faults, typed);
    }
    let governance = Governance { policy, law_pack, signatures: String::new() };
    match app.handles.steward.draft_policy(account(&visitor)?, governance).await {
        Ok(draft) => Ok(see_other(&format!("/governance/drafts/{}", draft.id))),
        Err(GovernError::Refused(why)) => refused(vec![told(&why, &visitor.t)], typed),
        Err(GovernError::Commit(muster_ledger::CommitError::Invalid(why))) => {
            refused(vec![Fault::plain(&why)], typed)
        }
        Err(GovernError::Commit(_)) => Err(Problem::NotSaved),
    }
}

fn told(refused: &PolicyRefused, t: &Words) -> Fault {
    let what = visible(&refused.told(t.language.tongue()));
    let lang = match refused {
        PolicyRefused::Policy(_) | PolicyRefused::LawPack(_) => "en",
        _ => "",
    };
    Fault { line: 0, what, cure: String::new(), lang }
}

/// The draft's text, and whether somebody typed it.
fn wanted(app: &App, upload: &Upload) -> Result<(String, bool), String> {
    let permit = upload.field("permit");
    if permit.is_empty() {
        let text = match upload.file.is_empty() {
            true => upload.field("policy").replace("\r\n", "\n"),
            false => String::from_utf8(upload.file.to_vec())
                .map_err(|_| "the file is no UTF-8 text; choose the policy's TOML".to_owned())?,
        };
        return Ok((text, true));
    }
    let versions = app.handles.steward.versions();
    let next = next(&versions).ok_or("no policy was ever accepted: write one first")?;
    let text = edit::switched(&next, permit, upload.field("to"));
    Ok((text.map_err(|error| error.to_string())?, false))
}

/// Everything that keeps a text from being a policy here.
fn faults(app: &App, t: &Words, policy: &str, law_pack: &str) -> Vec<Fault> {
    let pack = match LawPack::parse(law_pack) {
        Ok(pack) => pack,
        Err(error) => return vec![Fault::plain(&format!("the law pack, {error}"))],
    };
    match Policy::parse(policy) {
        Err(error) => vec![Fault::parse(&error)],
        Ok(parsed) => {
            let found = app.handles.steward.findings(&parsed, &pack);
            let errors = found.iter().filter(|finding| finding.severity == Severity::Error);
            errors.take(MAX_PROBLEMS).map(|finding| Fault::of(finding, t)).collect()
        }
    }
}

/// The newest accepted policy's text with the next number.
fn next(versions: &[PolicyVersion]) -> Option<String> {
    let newest = versions.iter().rev().find(|version| !version.superseded)?;
    let same = versions.iter().filter(|version| version.id == newest.id);
    let highest = same.map(|version| version.version).max().unwrap_or(0);
    edit::renumbered(&newest.governance.policy, highest.saturating_add(1)).ok()
}

/// Its permits with where they lead, and its destinations.
fn choices(text: &str) -> (Vec<Link>, Vec<String>) {
    let Ok(policy) = Policy::parse(text) else { return (Vec::new(), Vec::new()) };
    let permit = |permit: &muster_residency::policy::Permit| Link {
        to: permit.id.clone(),
        label: format!("{} → {}", visible(&permit.id), visible(&permit.to)),
        current: false,
    };
    let permits = policy.permits.iter().map(permit).collect();
    (permits, policy.destinations.iter().map(|destination| destination.id.clone()).collect())
}

pub(super) fn shown(
    app: &App,
    visitor: &Visitor,
    status: StatusCode,
    said: Said,
) -> Result<Response, Problem> {
    let (t, steward) = (&visitor.t, &app.handles.steward);
    let next = next(&steward.versions()).unwrap_or_default();
    let (permits, destinations) = choices(&next);
    let link = |draft: &muster_ledger::PolicyDraft| {
        let name = Policy::parse(&draft.governance.policy)
            .map(|policy| format!("{}@{}", visible(&policy.header.id), policy.header.version));
        let by = visible(&draft.by);
        let values = [("name", name.unwrap_or_default()), ("by", by)];
        let values = values.each_ref().map(|(key, value)| (*key, value.as_str()));
        Link {
            to: format!("/governance/drafts/{}", draft.id),
            label: t.fill("draft-by", &values),
            current: false,
        }
    };
    let page = Page {
        shell: Shell::new(app, visitor, t.say("governance-remedies"), "/governance/remedies"),
        t,
        tabs: tabs(visitor, Route::Remedies),
        trouble: said.trouble,
        done: said.done,
        may: visitor.admits(Route::DraftMake),
        faults: said.faults,
        drafts: steward.drafts().iter().take(MAX_DRAFTS).map(link).collect(),
        text: said.typed.unwrap_or(next),
        permits,
        destinations,
        paper: papers::form(app),
    };
    html(status, &page)
}
