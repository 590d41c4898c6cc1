//! A month taken away as a file: a row a person with the sums, and a row a day.

use super::{Month, people, rows, say, seat};
use crate::app::Shared;
use crate::app::Who;
use crate::guard::{Problem, Visitor};
use crate::words::Words;
use crate::workbook::{Cell, CsvTable, Table, TableError, XlsxTable};
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Form, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use jiff::civil::Date;
use muster_attendance::time::LocalTime;
use muster_attendance::{Day, DayMinutes, Marks, State as DayState};
use muster_ledger::PersonSheet;
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io;
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;

/// Bytes of a file that are at hand at a time.
const CHUNK: usize = 64 << 10;
/// Cells of a row at most.
const COLUMNS: usize = 18;

/// What is wanted.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    month: String,
    department: String,
    form: String,
    detail: String,
}

/// `POST /sheets/file`: journaled, without whom it is about.
pub(crate) async fn take(
    State(app): State<Shared>,
    Extension(visitor): Extension<Arc<Visitor>>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let month = Month::read(&wanted.month).ok_or(Problem::Missing)?;
    let seat = seat(&visitor)?;
    let department = Some(wanted.department.as_str()).filter(|name| !name.is_empty());
    let all = people(&app, seat, &visitor.t, department);
    let _turn = app.report_turn.acquire().await.map_err(|_| Problem::Busy)?;
    let (word, daily) = (month.word(), wanted.detail == "days");
    let what = format!("took the sheets of {word} as a file: {} people", all.len());
    app.handles.plans.remark(&seat.account, &what).await.map_err(|_| Problem::NotSaved)?;
    let mut names = HashSet::new();
    let sheets = rows(&app, all, (month.0, month.last()), |sheet, who| {
        (who, Row::all(sheet, daily, &mut names))
    });
    let (sheets, form) = (sheets.await?, wanted.form == "xlsx");
    let name = word.clone();
    let written = tokio::task::spawn_blocking(move || {
        let t = &visitor.t;
        if form {
            write(XlsxTable::new(&name)?, sheets, daily, t)
        } else {
            write(CsvTable::new()?, sheets, daily, t)
        }
    });
    let written = written.await.map_err(|_| Problem::Internal)?;
    let (body, length) = written.and_then(body).map_err(|error| {
        tracing::error!(%error, "a file of sheets");
        Problem::Internal
    })?;
    let (kind, ending) = if form {
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx")
    } else {
        ("text/csv; charset=utf-8", "csv")
    };
    let disposition = format!("attachment; filename=\"sheets-{word}.{ending}\"");
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, disposition),
        (CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, body).into_response())
}

/// A file as a body of so many bytes, read as it is taken.
fn body(file: File) -> Result<(Body, u64), TableError> {
    let length = file.metadata()?.len();
    let chunks = stream::try_unfold(tokio::fs::File::from_std(file), |mut file| async {
        let mut chunk = Vec::with_capacity(CHUNK);
        let read = file.read_buf(&mut chunk).await?;
        io::Result::Ok((read > 0).then(|| (Bytes::from(chunk), file)))
    });
    Ok((Body::from_stream(chunks), length))
}

/// A row of the file without whose it is, small: as names give the order, all of a month wait for
/// the last sheet.
struct Row {
    own: Own,
    minutes: [i32; 9],
}

/// What the rows of one form have.
enum Own {
    /// Days present, absent, missing, late and open.
    Sums([u32; 5]),
    Day {
        date: Date,
        state: DayState,
        shift: Option<Arc<str>>,
        first: Option<LocalTime>,
        last: Option<LocalTime>,
        marks: Marks,
    },
}

impl Row {
    /// A person's, with the shifts' names held once for all.
    fn all(sheet: &PersonSheet, daily: bool, names: &mut HashSet<Arc<str>>) -> Vec<Self> {
        if daily {
            sheet.sheet.days.iter().map(|(date, day)| Self::day(*date, day, names)).collect()
        } else {
            vec![Self::sums(sheet)]
        }
    }

    fn sums(sheet: &PersonSheet) -> Self {
        let month = &sheet.sheet.month;
        let days = |state| month.days.get(&state).copied().unwrap_or_default();
        let [present, absent, missing] =
            [DayState::Present, DayState::Absent, DayState::Missing].map(days);
        let open = u32::try_from(month.open.len()).unwrap_or(u32::MAX);
        let own = Own::Sums([present, absent, missing, month.late_days, open]);
        Self { own, minutes: minutes(&month.minutes) }
    }

    fn day(date: Date, day: &Day, names: &mut HashSet<Arc<str>>) -> Self {
        let shift = day.shift.as_deref().map(|name| match names.get(name) {
            Some(known) => known.clone(),
            None => {
                let name: Arc<str> = name.into();
                names.insert(name.clone());
                name
            }
        });
        let own = Own::Day {
            date,
            state: day.state,
            shift,
            first: day.first_in.map(|at| at.clock()),
            last: day.last_out.map(|at| at.clock()),
            marks: day.marks,
        };
        Self { own, minutes: minutes(&day.minutes) }
    }
}

fn write<T: Table>(
    mut table: T,
    sheets: Vec<(Who, Vec<Row>)>,
    daily: bool,
    t: &Words,
) -> Result<File, TableError> {
    let header: Vec<Cell<'_>> = header(daily).into_iter().map(Cell::Text).collect();
    table.row(&header)?;
    let mut states: BTreeMap<DayState, String> = BTreeMap::new();
    for (who, rows) in sheets {
        for row in &rows {
            write_row(&mut table, &who, row, |state| {
                states.entry(state).or_insert_with(|| say::state(state, t).label)
            })?;
        }
    }
    table.finish()
}

fn write_row<'s>(
    table: &mut impl Table,
    who: &Who,
    row: &Row,
    label: impl FnOnce(DayState) -> &'s mut String,
) -> Result<(), TableError> {
    let mut cells: Vec<Cell<'_>> = Vec::with_capacity(COLUMNS);
    cells.extend([&who.number, &who.shown, &who.department].map(|text| Cell::Text(text)));
    let figures = row.minutes.map(|minutes| Cell::Number(minutes.into()));
    let Own::Day { date, state, shift, first, last, marks } = &row.own else {
        if let Own::Sums(days) = row.own {
            cells.extend(days.map(|days| Cell::Number(days.into())));
        }
        cells.extend(figures);
        return table.row(&cells);
    };
    let (date, [first, last]) = (date.to_string(), [first, last].map(|at| say::clock(*at)));
    let marks = marks.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(" ");
    let shift = shift.as_deref().unwrap_or_default();
    cells.extend([&date, label(*state).as_str(), shift, &first, &last].map(Cell::Text));
    cells.extend(figures);
    cells.push(Cell::Text(&marks));
    table.row(&cells)
}

/// The columns' names are those of the sheet's JSON, so that payroll can rely on them.
fn header(daily: bool) -> Vec<&'static str> {
    let own = if daily {
        ["date", "state", "shift", "first_in", "last_out"]
    } else {
        ["present_days", "absent_days", "missing_days", "late_days", "open_days"]
    };
    let mut all = vec!["person", "name", "department"];
    all.extend(own);
    all.extend([
        "planned_minutes",
        "worked_minutes",
        "break_minutes",
        "gap_minutes",
        "late_minutes",
        "early_minutes",
        "extra_minutes",
        "overtime_minutes",
        "leave_minutes",
    ]);
    all.extend(daily.then_some("marks"));
    all
}

fn minutes(m: &DayMinutes) -> [i32; 9] {
    [m.planned, m.worked, m.breaks, m.gap, m.late, m.early, m.extra, m.overtime, m.leave]
        .map(|minutes| i32::try_from(minutes).unwrap_or(i32::MAX))
}
