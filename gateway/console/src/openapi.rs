//! The interface's own description (OpenAPI 3.1), made from the table of routes, so that neither
//! can be without the other.

use crate::access::Route;
use serde_json::{Map, Value, json};

/// What a route of the interface answers: a line about it, its parameters, its schema. `None` for
/// pages.
fn told(route: Route) -> Option<(&'static str, Value, Value)> {
    let number = json!({ "type": "integer", "minimum": 0 });
    let text = json!({ "type": "string" });
    let list = |items: Value| json!({ "type": "array", "items": items });
    let open = json!({ "type": "object" });
    Some(match route {
        Route::ApiToday => (
            "Figures of today's board",
            json!([]),
            object(&[("site", text.clone()), ("date", date()), ("counts", open)]),
        ),
        Route::ApiOnSite => (
            "Everybody last seen at this box; for the site's other boxes",
            json!([]),
            object(&[
                ("site", text),
                ("as_of_ms", number.clone()),
                ("seen", list(open)),
                ("unnamed", number.clone()),
                ("set_aside", number.clone()),
                ("refused", number),
            ]),
        ),
        Route::ApiHeld => ("What waits, by reason", json!([]), object(&[("held", list(open))])),
        Route::ApiDevices => {
            ("Terminals with their lights and gaps", json!([]), object(&[("devices", list(open))]))
        }
        Route::ApiStatus => (
            "What the box is doing",
            json!([]),
            object(&[("status", open.clone()), ("checks", list(open))]),
        ),
        Route::ApiSheets => (
            "Sheets of a month, a page of people at a time",
            json!([
                { "name": "month", "in": "path", "required": true, "schema": text,
                  "example": "2026-12" },
                { "name": "cursor", "in": "query", "schema": text,
                  "description": "`next` of the page before" },
                { "name": "limit", "in": "query", "schema": number },
            ]),
            object(&[("month", text.clone()), ("people", list(open)), ("next", text)]),
        ),
        Route::ApiDescription => ("This document", json!([]), open),
        _ => return None,
    })
}

fn date() -> Value {
    json!({ "type": "string", "format": "date" })
}

fn object(properties: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties })
}

/// The document.
pub(crate) fn document() -> Value {
    let mut paths = Map::new();
    for route in Route::ALL {
        let (method, path, _) = route.row();
        let Some((summary, parameters, schema)) = told(*route) else { continue };
        let refused = json!({ "description": "Not there, or not for this token",
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } });
        let operation = json!({
            "operationId": format!("{route:?}"),
            "summary": summary,
            "parameters": parameters,
            "responses": {
                "200": { "description": summary,
                    "content": { "application/json": { "schema": schema } } },
                "401": { "description": "No session and no token that is good" },
                "404": refused,
                "503": { "description": "The views are being rebuilt: ask again in a while" },
            },
        });
        let methods = json!({ method.as_str().to_ascii_lowercase(): operation });
        paths.insert(path.to_owned(), methods);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Muster", "version": env!("CARGO_PKG_VERSION"),
            "description": "What the page shows, as JSON. Tokens: `muster user token`." },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": { "Error": object(&[("error", object(&[
                ("status", json!({ "type": "integer" })),
                ("message", json!({ "type": "string" })),
            ]))]) },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_interface_is_described_and_no_page_is() {
        let document = document();
        for route in Route::ALL {
            let (_, path, _) = route.row();
            let described = !document["paths"][path].is_null();
            assert_eq!(described, path.starts_with("/api/"), "{path}");
        }
    }
}
