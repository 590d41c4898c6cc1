//! Replays `muster.attendance/1`: a document of inputs, from which sheets are computed alone.
//!
//! ```json
//! {"schema": "muster.attendance/1",
//!  "bases": {"hk": {"site": "hk", "...": "..."}},
//!  "vectors": [{"id": "A01", "base": "hk", "punches": []}]}
//! ```
//! A vector's keys replace those of its base, whole. Keys that are no input (`why`, `expect`) are
//! never read. Null is the same as absent.
//!
//! A document that is none fails as a whole ([`ReplayError`]). A vector that cannot be read takes
//! no other with it: its result carries the reason instead of a sheet ([`VectorError`]).

mod canonical;
mod entries;
mod vector;

pub use vector::VectorError;

use crate::sheet::{Sheet, evaluate};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// The name of the format.
pub const SCHEMA: &str = "muster.attendance/1";

/// The most vectors one document may have.
pub const MAX_VECTORS: usize = 100_000;

/// What became of one vector. Serialised as `{id, days, month, adjustments}`, or as `{id, error}`
/// where it could not be read.
#[derive(Clone, PartialEq, Debug)]
pub struct SheetResult {
    /// The vector's id, or its place such as `#3` where it has none.
    pub id: String,
    /// Its sheet.
    pub sheet: Result<Sheet, VectorError>,
}

/// Why a document is none.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Not JSON.
    #[error("the document is not JSON: correct it where the parser stopped")]
    Json(#[from] serde_json::Error),
    /// JSON of another kind.
    #[error("the document's `schema` is {0}: give one of \"{SCHEMA}\"")]
    Schema(Value),
    /// A part is missing or of the wrong kind.
    #[error("the document's `{key}` must be {kind}")]
    Part {
        /// Which.
        key: &'static str,
        /// What it must be.
        kind: &'static str,
    },
    /// Too many vectors.
    #[error("the document has {0} vectors, more than {MAX_VECTORS}: give them in several")]
    Long(usize),
}

/// Computes every vector of a document, in order. A byte order mark before it is skipped.
///
/// ```
/// use muster_attendance::replay::replay;
/// let sheets = replay(r#"{"schema": "muster.attendance/1", "vectors": [{
///     "id": "one", "now": "2026-04-05T00:00:00Z", "range": ["2026-03-02", "2026-03-02"],
///     "shifts": {"day": {"parts": [["09:00", "18:00"]]}},
///     "terminals": {"T1": {"complete_until": "2026-04-05T00:00:00Z"}}
/// }]}"#)?;
/// let json = serde_json::to_value(&sheets)?;
/// assert_eq!(json[0]["days"]["2026-03-02"]["state"], "absent");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The text is no `muster.attendance/1` document; a single bad vector is reported in its result.
pub fn replay(text: &str) -> Result<Vec<SheetResult>, ReplayError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document: Value = serde_json::from_str(text)?;
    let schema = document.get("schema").cloned().unwrap_or_default();
    if schema != SCHEMA {
        return Err(ReplayError::Schema(schema));
    }
    let none = Map::new();
    let bases = match document.get("bases") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(bases)) => bases,
        Some(_) => return Err(ReplayError::Part { key: "bases", kind: "an object" }),
    };
    let Some(Value::Array(vectors)) = document.get("vectors") else {
        return Err(ReplayError::Part { key: "vectors", kind: "a list" });
    };
    if vectors.len() > MAX_VECTORS {
        return Err(ReplayError::Long(vectors.len()));
    }
    Ok(vectors.iter().enumerate().map(|(place, vector)| one(place, vector, bases)).collect())
}

fn one(place: usize, vector: &Value, bases: &Map<String, Value>) -> SheetResult {
    let id = vector.get("id").and_then(Value::as_str);
    let id = id.map_or_else(|| format!("#{}", place + 1), str::to_owned);
    let sheet = vector::read(vector, bases).map(|(input, now)| evaluate(&input, now));
    SheetResult { id, sheet }
}

impl Serialize for SheetResult {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        match &self.sheet {
            Ok(sheet) => {
                map.serialize_entry("days", &sheet.days)?;
                map.serialize_entry("month", &sheet.month)?;
                map.serialize_entry("adjustments", &sheet.adjustments)?;
            }
            Err(error) => map.serialize_entry("error", &error.to_string())?,
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_refused(text: &str, expect: &str) {
        let error = replay(text).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn documents_that_are_none() {
        check_refused("", "not JSON");
        check_refused("[]", "`schema` is null");
        check_refused(r#"{"schema":"other"}"#, "`schema` is \"other\"");
        check_refused(r#"{"schema":"muster.attendance/1"}"#, "`vectors` must be a list");
        check_refused(
            r#"{"schema":"muster.attendance/1","bases":[],"vectors":[]}"#,
            "`bases` must be an object",
        );
    }

    /// Replays one vector beside a good one; expects its error, and the good one's sheet.
    fn check_error(vector: &str, id: &str, expect: &str) {
        let text = format!(
            r#"{{"schema":"muster.attendance/1",
            "bases":{{"b":{{"now":"2026-03-03T00:00:00Z","range":["2026-03-02","2026-03-02"]}}}},
            "vectors":[{vector},{{"id":"good","base":"b"}}]}}"#
        );
        let results = replay(&text).unwrap();
        let json = serde_json::to_value(&results).unwrap();
        assert_eq!(json[0]["id"], id);
        let error = json[0]["error"].as_str().unwrap_or("none");
        assert!(error.contains(expect), "{error}");
        assert!(json[0].get("days").is_none());
        assert_eq!(json[1]["days"]["2026-03-02"]["state"], "unrostered");
    }

    #[test]
    fn a_bad_vector_stops_no_other() {
        check_error("7", "#1", "not an object");
        check_error(r#"{"id":"x"}"#, "x", "`now` is missing");
        check_error(r#"{"id":"x","base":"c"}"#, "x", "base \"c\"");
        check_error(r#"{"base":"b","now":"today"}"#, "#1", "`now`");
        check_error(
            r#"{"base":"b","range":["2026-03-02","1926-03-02"]}"#,
            "#1",
            "before it begins",
        );
        check_error(r#"{"base":"b","range":["2026-03-02","2126-03-02"]}"#, "#1", "in pieces");
        check_error(r#"{"base":"b","range":["2026-03-02"]}"#, "#1", "`range`");
        check_error(r#"{"base":"b","punches":[{"id":"a"}]}"#, "#1", "`punches[0]`");
        check_error(r#"{"base":"b","punches":{}}"#, "#1", "`punches`");
        check_error(r#"{"base":"b","corrections":[{"id":"a","op":"x"}]}"#, "#1", "corrections[0]");
        check_error(r#"{"base":"b","params":{"round_step":7}}"#, "#1", "7 minutes");
        check_error(r#"{"base":"b","sites":{"a":{"zone":"Mars/Base"}}}"#, "#1", "Mars/Base");
        check_error(r#"{"base":"b","sites":{"a":{}}}"#, "#1", "`sites.a`");
        check_error(
            r#"{"base":"b","leave":[{"date":"2026-03-02","kind":"some"}]}"#,
            "#1",
            "leave[0]",
        );
        check_error(r#"{"base":"b","closed":{"days":{}}}"#, "#1", "`closed`");
    }
}
