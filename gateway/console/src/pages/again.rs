//! A form that comes back to be sent again, with what was typed in it.

use crate::app::App;
use crate::forms::Upload;
use crate::guard::Visitor;
use crate::pages::{Shell, html};
use crate::words::Words;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

/// The fields that are sent again.
pub(crate) struct Again {
    fields: Vec<(String, String)>,
    /// Whether a file came with them: it has to be chosen again, since no page can hold one.
    file: bool,
}

#[derive(Template)]
#[template(path = "again.html")]
struct AgainPage<'a> {
    shell: Shell,
    t: &'a Words,
    lead: String,
    trouble: String,
    fields: &'a [(String, String)],
    to: &'a str,
    code: bool,
    log_in: bool,
    file: bool,
    box_time: String,
}

impl Again {
    /// The fields of a form but its token and code; `None` where one of `secrets` is among them.
    pub(crate) fn of(upload: &Upload, secrets: &[&str]) -> Option<Self> {
        let fields = &upload.fields;
        if fields.iter().any(|(name, _)| secrets.contains(&name.as_str())) {
            return None;
        }
        let kept = fields.iter().filter(|(name, _)| name != "csrf" && name != "code");
        Some(Self { fields: kept.cloned().collect(), file: !upload.file.is_empty() })
    }

    /// Asks for the second factor; `trouble` is a message's id or empty.
    pub(crate) fn code(&self, app: &App, visitor: &Visitor, trouble: &str) -> Response {
        let trouble = if trouble.is_empty() { String::new() } else { visitor.t.say(trouble) };
        self.page(app, visitor, "again-code", trouble, (true, false))
    }

    /// Asks to send it again: its session is not the one that the page was made in.
    pub(crate) fn send(&self, app: &App, visitor: &Visitor) -> Response {
        self.page(app, visitor, "again-send", String::new(), (false, false))
    }

    /// Asks to log in, beside this page, and then to send it again.
    pub(crate) fn log_in(&self, app: &App, visitor: &Visitor) -> Response {
        self.page(app, visitor, "again-log-in", String::new(), (false, true))
    }

    fn page(
        &self,
        app: &App,
        visitor: &Visitor,
        lead: &str,
        trouble: String,
        (code, log_in): (bool, bool),
    ) -> Response {
        let t = &visitor.t;
        let page = AgainPage {
            shell: Shell::new(app, visitor, t.say("again-title"), "/"),
            t,
            lead: t.say(lead),
            trouble,
            fields: &self.fields,
            to: &visitor.path,
            code,
            log_in,
            file: self.file,
            box_time: app.zone.clock_seconds(app.now_ms()),
        };
        let answer = html(StatusCode::FORBIDDEN, &page);
        answer.unwrap_or_else(|problem| problem.into_response())
    }
}
