//! The interface's own description (OpenAPI 3.1), made from the table of routes, so that neither
//! can be without the other.

use crate::access::Route;
use serde_json::{Map, Value, json};

/// What a route of the interface answers: a line about it, its parameters, its schema. `None` for
/// pages.
fn told(route: Route) -> Option<(&'static str, Value, Value)> {
    of_board(route)
        .or_else(|| of_sheets(route))
        .or_else(|| of_records(route))
        .or_else(|| of_box(route))
}

fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn open() -> Value {
    json!({ "type": "object" })
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// `next` of a page: nothing after the last.
fn next() -> Value {
    json!({ "type": ["string", "null"] })
}

/// A part of the path.
fn part(name: &str, example: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": text(), "example": example })
}

fn query(name: &str, schema: Value, about: &str) -> Value {
    json!({ "name": name, "in": "query", "schema": schema, "description": about })
}

/// What every list takes, with more of its own.
fn turn(more: impl IntoIterator<Item = Value>) -> Value {
    let own = [
        query("cursor", text(), "`next` of the page before"),
        query("limit", number(), "How many at most; without it as many as a page holds"),
    ];
    more.into_iter().chain(own).collect()
}

/// Who is there.
fn of_board(route: Route) -> Option<(&'static str, Value, Value)> {
    let people = || list(schema("Seen"));
    Some(match route {
        Route::ApiToday => (
            "Figures of today's board",
            json!([]),
            object(&[("site", text()), ("date", date()), ("counts", open())]),
        ),
        Route::ApiBoard => (
            "Everybody seen today, last punch first; `missing` alone, where asked for",
            turn([query("show", text(), "all, in, missing, late, out or waiting")]),
            object(&[
                ("date", date()),
                ("people", people()),
                ("missing", list(schema("Missing"))),
                ("next", next()),
            ]),
        ),
        Route::ApiSearch => (
            "Who of today's board has a text in the name, the number or the department",
            json!([]),
            object(&[
                ("date", date()),
                ("people", people()),
                ("more", json!({ "type": "boolean" })),
            ]),
        ),
        Route::ApiOnSite => (
            "Everybody last seen at this box; for the site's other boxes",
            json!([]),
            object(&[
                ("site", text()),
                ("as_of_ms", number()),
                ("seen", list(open())),
                ("unnamed", number()),
                ("set_aside", number()),
                ("refused", number()),
            ]),
        ),
        _ => return None,
    })
}

/// Sheets.
fn of_sheets(route: Route) -> Option<(&'static str, Value, Value)> {
    let month = || part("month", "2026-12");
    let date_part = || part("date", "2026-12-01");
    let person = || part("person", "81732906458");
    let department = || query("department", text(), "Of this department alone");
    Some(match route {
        Route::ApiSheets => (
            "Sheets of a month, a page of people at a time",
            turn([month(), department()]),
            object(&[("month", text()), ("people", list(schema("Sheet"))), ("next", next())]),
        ),
        Route::ApiDay => (
            "Everybody's day as payroll counts it",
            turn([date_part(), department()]),
            object(&[("date", date()), ("people", list(schema("PersonDay"))), ("next", next())]),
        ),
        Route::ApiExceptions => (
            "Days of a month that need a look, a page of people at a time",
            turn([month(), department()]),
            object(&[
                ("month", text()),
                ("exceptions", list(schema("PersonDay"))),
                ("next", next()),
            ]),
        ),
        Route::ApiPersonMonth => {
            ("A person's month", json!([person(), month()]), schema("PersonMonth"))
        }
        Route::ApiPersonDay => (
            "A person's day: every record, the sheet's word, corrections",
            json!([person(), date_part()]),
            open(),
        ),
        Route::ApiClosings => (
            "Months that were closed, with what was open then",
            json!([]),
            object(&[("closings", list(open()))]),
        ),
        _ => return None,
    })
}

/// Single records and corrections.
fn of_records(route: Route) -> Option<(&'static str, Value, Value)> {
    let records = || object(&[("records", list(schema("Record"))), ("next", next())]);
    Some(match route {
        Route::ApiRecords => (
            "Records in the order of day, person and arrival: what `muster records` prints",
            turn([
                query("from", date(), "First day, in the site's time zone"),
                query("to", date(), "Last day"),
            ]),
            records(),
        ),
        Route::ApiHeldRecords => {
            ("What waits for one reason, oldest first", turn([part("reason", "I-02")]), records())
        }
        Route::ApiCorrections => (
            "Corrections that wait for a second person",
            turn([]),
            object(&[("corrections", list(open())), ("next", next())]),
        ),
        _ => return None,
    })
}

/// The box itself.
fn of_box(route: Route) -> Option<(&'static str, Value, Value)> {
    Some(match route {
        Route::ApiHeld => ("What waits, by reason", json!([]), object(&[("held", list(open()))])),
        Route::ApiUnknown => (
            "Numbers that terminals sent and nobody has named",
            json!([]),
            object(&[("numbers", list(text())), ("more", json!({ "type": "boolean" }))]),
        ),
        Route::ApiDevices => (
            "Terminals with their lights and gaps",
            json!([]),
            object(&[("devices", list(open()))]),
        ),
        Route::ApiStatus => (
            "What the box is doing",
            json!([]),
            object(&[("status", open()), ("checks", list(open()))]),
        ),
        Route::ApiDescription => ("This document", json!([]), open()),
        _ => return None,
    })
}

/// The keys of a person, and more.
fn about_person(more: &[(&str, Value)]) -> Value {
    let own = [("id", text()), ("person", text()), ("name", text()), ("department", text())];
    object(&own.into_iter().chain(more.iter().cloned()).collect::<Vec<_>>())
}

/// What answers refer to by name.
fn schemas() -> Value {
    let null = |kind: &str| json!({ "type": [kind, "null"] });
    let sheet = [("month", open()), ("days", open()), ("adjustments", list(open()))];
    let more = [("closed", json!({ "type": ["object", "null"] })), ("corrections", list(open()))];
    json!({
        "Error": object(&[("error", object(&[
            ("status", json!({ "type": "integer" })),
            ("message", text()),
        ]))]),
        "Seen": about_person(&[
            ("presence", json!({ "enum": ["in", "probably-in", "out", "probably-out", "refused"] })),
            ("late", null("string")),
            ("first", null("string")),
            ("last", text()),
            ("box_time", json!({ "type": "boolean" })),
            ("terminal", null("string")),
            ("punches", number()),
            ("waiting", number()),
            ("state", state()),
        ]),
        "Missing": about_person(&[("due", text())]),
        "Sheet": about_person(&sheet),
        "PersonMonth": about_person(&sheet.into_iter().chain(more).collect::<Vec<_>>()),
        "PersonDay": about_person(&[("date", date()), ("day", open())]),
        "Record": object(&[
            ("id", text()),
            ("device", text()),
            ("boot", number()),
            ("seq", number()),
            ("person", null("string")),
            ("name", null("string")),
            ("at", null("string")),
            ("received", null("string")),
            ("method", text()),
            ("outcome", text()),
            ("direction", null("string")),
            ("state", state()),
            ("destination", null("string")),
            ("reasons", list(text())),
        ]),
    })
}

fn state() -> Value {
    json!({ "enum": ["held", "queued", "settled", "dropped", "quarantined"] })
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
        let Some((summary, parameters, answer)) = told(*route) else { continue };
        let refused = |about: &str| {
            json!({ "description": about,
                "content": { "application/json": { "schema": schema("Error") } } })
        };
        let mut operation = json!({
            "operationId": format!("{route:?}"),
            "summary": summary,
            "parameters": parameters,
            "responses": {
                "200": { "description": summary,
                    "content": { "application/json": { "schema": answer } } },
                "400": refused("A parameter that cannot be read"),
                "401": refused("No session and no token that is good"),
                "404": refused("Not there, or not for this token"),
                "503": refused("The views are being rebuilt: ask again in a while"),
            },
        });
        if route.is_question() {
            let asked = object(&[("q", text())]);
            operation["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": asked } } });
        }
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
            "schemas": schemas(),
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

    #[test]
    fn what_is_referred_to_is_there_and_every_part_of_a_path_is_told() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap_or_default();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        for (path, methods) in document["paths"].as_object().expect("paths") {
            let operation = methods.as_object().and_then(|all| all.values().next());
            let told = operation.expect("a method")["parameters"].to_string();
            for part in path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
                assert!(told.contains(&format!("\"name\":\"{part}\"")), "{path} {part}");
            }
        }
    }
}
