//! What is printed: one row a figure, with its goal and whether it was met.

use std::fmt::Write as _;
use std::time::Duration;

/// A figure.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) ours: String,
    pub(crate) against: String,
    pub(crate) ratio: String,
    pub(crate) goal: &'static str,
    /// `None` where the goal is not a number of this run.
    pub(crate) met: Option<bool>,
}

/// As Markdown.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = "| what | Muster | against | ratio | goal | met |\n".to_owned();
    text += "| --- | --- | --- | --- | --- | --- |\n";
    for row in rows {
        let met = row.met.map_or("", |met| if met { "yes" } else { "no" });
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {met} |",
            row.what, row.ours, row.against, row.ratio, row.goal
        );
    }
    text
}

/// The middle one of a few figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The figure below which so many thousandths of all are.
pub(crate) fn quantile(times: &mut [Duration], thousandths: usize) -> Duration {
    times.sort_unstable();
    let at = (times.len() * thousandths / 1000).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or_default()
}

/// In milliseconds.
pub(crate) fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// In MiB.
pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// With thousands apart.
pub(crate) fn count(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
