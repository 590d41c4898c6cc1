//! Today: who is in, who was seen, what was refused; new without reload.

mod pulse;
mod view;

pub(crate) use view::{MAX_FOUND, Update, View};

use crate::app::{App, Shared};
use crate::board::{Board, Line, Presence};
use crate::guard::{Problem, Visitor};
use crate::pages::html;
use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;

/// Characters of a search that are looked at.
const MAX_SEARCH: usize = 64;
/// Pages one can turn to.
const MAX_PAGE: usize = 1_000;

/// Which rows are shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum Show {
    #[default]
    All,
    In,
    Missing,
    Late,
    Out,
    Waiting,
    Refused,
}

impl Show {
    const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::All, "all", "show-all"),
        (Self::In, "in", "show-in"),
        (Self::Missing, "missing", "show-missing"),
        (Self::Late, "late", "show-late"),
        (Self::Out, "out", "show-out"),
        (Self::Waiting, "waiting", "show-waiting"),
        (Self::Refused, "refused", "show-refused"),
    ];

    fn key(self) -> &'static str {
        Self::ALL.iter().find(|(show, ..)| *show == self).map_or("all", |(_, key, _)| key)
    }

    /// The rows that a key asks for; all for none that is known.
    pub(crate) fn named(key: &str) -> Self {
        Self::ALL.iter().find(|(_, k, _)| *k == key).map(|(show, ..)| *show).unwrap_or_default()
    }

    /// Whether it asks what only plans can tell.
    fn needs_plans(self) -> bool {
        matches!(self, Self::Missing | Self::Late)
    }

    pub(crate) fn shows(self, line: &Line) -> bool {
        match self {
            Self::All => line.presence != Presence::Refused,
            Self::In => line.presence.is_in(),
            Self::Late => line.late_ms.is_some(),
            Self::Out => line.presence.is_out(),
            Self::Waiting => line.waiting > 0,
            // Lists of their own.
            Self::Missing | Self::Refused => false,
        }
    }
}

/// What a request for the board names.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    show: Option<String>,
    page: Option<usize>,
    /// As `generation.revision`: the board that the page has.
    since: Option<String>,
}

impl Asked {
    pub(crate) fn show(&self) -> Show {
        Show::named(self.show.as_deref().unwrap_or_default())
    }

    /// Generation and revision; (0, 0), which no board has, where they cannot be read.
    pub(crate) fn seen(&self) -> (u64, u64) {
        let pair = self.since.as_deref().and_then(|since| since.split_once('.'));
        let pair = pair.map(|(a, b)| (a.parse().unwrap_or(0), b.parse().unwrap_or(0)));
        pair.unwrap_or_default()
    }
}

/// `GET /today`.
pub(crate) async fn page(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let board = app.live.now().await?;
    let view = View::new(&app, &visitor, &board)?;
    let part = view.part(asked.show(), asked.page.unwrap_or(1).clamp(1, MAX_PAGE));
    if visitor.partial {
        return html(StatusCode::OK, &part);
    }
    html(StatusCode::OK, &view.page(part))
}

/// What is searched for. In a form and not in the address, since it is a name.
#[derive(Deserialize)]
pub(crate) struct Search {
    q: String,
    /// The filter that an emptied search goes back to.
    show: Option<String>,
}

/// As much of what is searched for as is looked at.
pub(crate) fn wanted(text: &str) -> String {
    text.trim().chars().take(MAX_SEARCH).collect()
}

/// `POST /today/search`.
pub(crate) async fn search(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(search): Form<Search>,
) -> Result<Response, Problem> {
    let board = app.live.now().await?;
    let view = View::new(&app, &visitor, &board)?;
    let wanted = wanted(&search.q);
    let show = Asked { show: search.show, ..Asked::default() }.show();
    let part = if wanted.is_empty() { view.part(show, 1) } else { view.found(wanted, show) };
    if visitor.partial {
        return html(StatusCode::OK, &part);
    }
    html(StatusCode::OK, &view.page(part))
}

/// What changed on `board` since `revision`, for one who looks at `show`; `None` if too much.
pub(crate) fn update(
    app: &App,
    visitor: &Visitor,
    board: &Board,
    show: Show,
    revision: u64,
) -> Option<Update> {
    View::new(app, visitor, board).ok()?.update(show, revision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_a_page_has_is_read_back() {
        let asked = |since: &str| Asked { since: Some(since.to_owned()), ..Asked::default() };
        for (since, expect) in [
            ("12.34", (12, 34)),
            ("", (0, 0)),
            ("x.y", (0, 0)),
            ("-1.99999999999999999999", (0, 0)),
        ] {
            assert_eq!(asked(since).seen(), expect, "{since}");
        }
    }

    #[test]
    fn unknown_filters_show_all() {
        for (show, expect) in [("in", Show::In), ("refused", Show::Refused), ("x'", Show::All)] {
            let asked = Asked { show: Some(show.to_owned()), ..Asked::default() };
            assert_eq!(asked.show(), expect);
        }
    }
}
