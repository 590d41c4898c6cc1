//! Documents as JSON.

use crate::document::{Document, Section};
use serde_json::{Map, Value, json};

pub(crate) fn render(document: &Document) -> String {
    let sections: Map<String, Value> =
        document.sections.iter().map(|s| (s.key.to_owned(), section(s))).collect();
    let value = json!({
        "report": document.kind,
        "site": document.site,
        "from": document.span.0,
        "to": document.span.1,
        "made_at": document.made_at,
        "policy": document.policy,
        "law_pack": document.law_pack,
        "notes": document.notes,
        "sections": sections,
    });
    serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
}

fn section(section: &Section) -> Value {
    let row = |cells: &Vec<crate::document::Cell>| -> Value {
        let pairs = section.columns.iter().zip(cells);
        pairs
            .map(|((key, _), cell)| ((*key).to_owned(), cell.value()))
            .collect::<Map<_, _>>()
            .into()
    };
    json!({ "notes": section.notes, "rows": section.rows.iter().map(row).collect::<Vec<_>>() })
}
