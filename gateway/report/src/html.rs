//! Documents as a page of their own: readable, printable, nothing loaded, no script.

use crate::document::{Cell, Document, Section};
use crate::words::Words;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;\
padding:0 1rem;color:#1b1b1b;background:#fff}h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}\
table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid #ccc;padding:.35rem .6rem;\
text-align:left;vertical-align:top}.n{text-align:right;font-variant-numeric:tabular-nums}\
.alarm{color:#a40000;font-weight:600}.note{background:#f3f3ee;padding:.5rem .8rem;margin:.4rem 0}\
svg{max-width:100%;height:auto}@media print{body{margin:0}}";

pub(crate) fn render(document: &Document, words: Words) -> String {
    let facts = [
        ("label-site", document.site.clone()),
        ("label-span", format!("{} – {}", document.span.0, document.span.1)),
        ("label-made", document.made_at.clone()),
        ("label-policy", document.policy.clone().unwrap_or_else(|| words.say("none"))),
        ("label-law-pack", document.law_pack.clone().unwrap_or_else(|| words.say("none"))),
    ];
    let facts: String = facts
        .iter()
        .map(|(key, value)| {
            format!("<p>{}: <bdi>{}</bdi></p>", escape(&words.say(key)), escape(value))
        })
        .collect();
    let sections: String = document.sections.iter().map(section).collect();
    format!(
        "<!doctype html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><h1>{title}</h1>{facts}{notes}{sections}</body></html>\n",
        lang = words.tag(),
        title = escape(&document.title),
        notes = notes(&document.notes),
    )
}

fn notes(notes: &[String]) -> String {
    notes.iter().map(|text| format!("<p class=\"note\">{}</p>", escape(text))).collect()
}

fn section(section: &Section) -> String {
    let picture = section.picture.as_deref().unwrap_or_default();
    let title = escape(&section.title);
    format!("<h2>{title}</h2>{}{picture}{}", notes(&section.notes), table(section))
}

fn table(section: &Section) -> String {
    if section.columns.is_empty() {
        return String::new();
    }
    let numeric =
        |at: usize| section.rows.iter().any(|row| row.get(at).is_some_and(Cell::is_number));
    let class = |at: usize| if numeric(at) { " class=\"n\"" } else { "" };
    let head: String = section
        .columns
        .iter()
        .enumerate()
        .map(|(at, (_, label))| format!("<th scope=\"col\"{}>{}</th>", class(at), escape(label)))
        .collect();
    let row = |row: &Vec<Cell>| {
        let cells: String = row.iter().enumerate().map(|(at, cell)| td(cell, class(at))).collect();
        format!("<tr>{cells}</tr>")
    };
    let rows: String = section.rows.iter().map(row).collect();
    format!("<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
}

fn td(cell: &Cell, class: &str) -> String {
    let text = escape(&cell.shown());
    match cell {
        Cell::Alarm(_) => format!("<td class=\"alarm\"><bdi>{text}</bdi></td>"),
        _ => format!("<td{class}><bdi>{text}</bdi></td>"),
    }
}

/// Text that no markup can hide in; control characters are shown as what they are not.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
