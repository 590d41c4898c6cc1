//! Documents as CSV (RFC 4180).

use crate::document::Document;

pub(crate) fn render(document: &Document) -> String {
    let mut out = String::new();
    for section in document.sections.iter().filter(|section| !section.columns.is_empty()) {
        let head = section.columns.iter().map(|(key, _)| (*key).to_owned());
        line(&mut out, std::iter::once("section".to_owned()).chain(head));
        for row in &section.rows {
            let cells = row.iter().map(|cell| cell.shown());
            line(&mut out, std::iter::once(section.key.to_owned()).chain(cells));
        }
    }
    out
}

fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.map(|text| quoted(&text)).collect();
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

/// A cell that no spreadsheet takes for a formula.
fn quoted(text: &str) -> String {
    let formula =
        text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_text_and_quoted() {
        for (text, expect) in [
            ("=1+1", "'=1+1"),
            ("-1.5", "-1.5"),
            ("@x", "'@x"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("\tx\ny", "\"'\tx\ny\""),
        ] {
            assert_eq!(quoted(text), expect);
        }
    }
}
