//! Bars that fill towards a number, as SVG: drawn here, nothing to run. Each stands for a row of the
//! table below it, which says the same in words.

use crate::html::escape;
use crate::picture::Tone;
use std::fmt::Write as _;

const WIDTH: u64 = 1000;
const ROW: u64 = 46;
const HEIGHT: u64 = 12;
const MARGIN: u64 = 20;
/// The track's colour.
const EMPTY: &str = "#e4e8ec";

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    /// What is counted.
    pub(crate) label: String,
    /// How far it is, in words.
    pub(crate) value: String,
    /// How far it is.
    pub(crate) count: u64,
    /// The number at which it is full.
    pub(crate) at: u64,
    pub(crate) tone: Tone,
}

/// An SVG document that says `title`, with the bars below each other; `None` without any.
pub(crate) fn svg(title: &str, bars: &[Bar]) -> Option<String> {
    let rows = u64::try_from(bars.len()).ok().filter(|rows| *rows > 0)?;
    let (width, height) = (WIDTH + 2 * MARGIN, rows * ROW + MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"14\"><title>{}</title>\n",
        escape(title)
    );
    (0..).zip(bars).for_each(|(row, bar)| draw(&mut out, row, bar));
    out.push_str("</svg>\n");
    Some(out)
}

// Writing to a string does not fail.
fn draw(out: &mut String, row: u64, bar: &Bar) {
    let text = MARGIN + row * ROW;
    let (y, right, colour) = (text + 8, MARGIN + WIDTH, bar.tone.colour());
    let (label, value) = (escape(&bar.label), escape(&bar.value));
    let _ = writeln!(
        out,
        "<text x=\"{MARGIN}\" y=\"{text}\" fill=\"{colour}\">{label}</text>\
         <text x=\"{right}\" y=\"{text}\" fill=\"{colour}\" text-anchor=\"end\">{value}</text>\
         <rect x=\"{MARGIN}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{EMPTY}\"/>\
         <rect x=\"{MARGIN}\" y=\"{y}\" width=\"{}\" height=\"{HEIGHT}\" fill=\"{colour}\"/>",
        filled(bar)
    );
}

/// Units of the track that are filled: none only of nothing, all from the number on.
fn filled(bar: &Bar) -> u64 {
    let part = u128::from(bar.count.min(bar.at)) * u128::from(WIDTH);
    let part = part.div_ceil(u128::from(bar.at.max(1)));
    u64::try_from(part).unwrap_or(WIDTH).min(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(count: u64, at: u64) -> Bar {
        let (label, value) = ("a<b".to_owned(), format!("{count} / {at}"));
        Bar { label, value, count, at, tone: Tone::Plain }
    }

    #[test]
    fn a_bar_is_as_long_as_its_part() {
        for (count, at, expect) in [
            (0, 10, 0),
            (1, 1_000_000, 1),
            (5, 10, 500),
            (10, 10, 1000),
            (11, 10, 1000),
            (u64::MAX, 1, 1000),
            (0, 0, 0),
        ] {
            assert_eq!(filled(&bar(count, at)), expect, "{count} of {at}");
        }
    }

    #[test]
    fn nothing_in_it_is_markup() {
        let drawn = svg("a & b", &[bar(1, 2), bar(2, 2)]).expect("bars");
        assert!(drawn.contains("<title>a &amp; b</title>"), "{drawn}");
        assert_eq!(drawn.matches(">a&lt;b</text>").count(), 2, "{drawn}");
        assert_eq!(svg("none", &[]), None);
    }
}
