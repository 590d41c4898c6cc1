//! Pairing an M1: it has no screen and no network of its own, so it comes in by its card. The
//! image is made and handed over in one answer, and never again: it holds the terminal's secret.
//! Replacing one is the same under its name; the old one is shut out in the same step.

use super::pairing::{self, MAX_NAME, Said};
use crate::app::{Shared, visible};
use crate::guard::{Problem, Visitor};
use crate::pairing::NewCard;
use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use std::sync::Arc;

/// Addresses on a shared line; the box's own is 0.
const ADDRESSES: std::ops::RangeInclusive<u8> = 1..=247;

/// An M1, as typed.
#[derive(Deserialize)]
pub(crate) struct Asked {
    name: String,
    address: u8,
    #[serde(default)]
    replaces: bool,
}

/// `POST /terminals/card`: pairs it; the answer is the image of its card.
pub(crate) async fn make(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    let t = &visitor.t;
    let name = asked.name.trim().to_owned();
    let refused = |trouble: String| {
        let said = Said { trouble, card: name.clone(), ..Said::default() };
        pairing::pairing(&app, &visitor, StatusCode::UNPROCESSABLE_ENTITY, said)
    };
    if !(1..=MAX_NAME).contains(&name.chars().count()) || !ADDRESSES.contains(&asked.address) {
        return refused(t.say("pair-name-rule"));
    }
    if asked.replaces {
        pairing::shut_out(&app, &visitor, &name).await?;
    }
    let (make, card) =
        (app.handles.card.clone(), NewCard { name: name.clone(), address: asked.address });
    let made = tokio::task::spawn_blocking(move || make(card)).await;
    match made.map_err(|_| Problem::Internal)? {
        Err(why) => refused(visible(&why)),
        Ok(image) => {
            let headers = [
                (CONTENT_TYPE, "application/octet-stream"),
                // Not by its name: whatever was typed stays out of a header.
                (CONTENT_DISPOSITION, "attachment; filename=\"m1-card.img\""),
            ];
            Ok((headers, image.to_vec()).into_response())
        }
    }
}
