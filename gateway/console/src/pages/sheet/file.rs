//! A month taken away as a file: a row a person with the sums, and a row a day.

use super::{Month, people, say, seat};
use crate::app::Shared;
use crate::guard::{Problem, Visitor};
use crate::words::Words;
use crate::workbook::{Cell, CsvTable, Table, TableError, XlsxTable};
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Form, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use muster_attendance::{DayMinutes, PersonId, State as DayState};
use muster_ledger::PersonSheet;
use serde::Deserialize;
use std::collections::HashMap;
use std::io::{self, BufWriter, Seek as _};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;

/// Bytes of a file that are at hand at a time.
const CHUNK: usize = 64 << 10;

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
    let ids: Vec<PersonId> = all.iter().map(|shown| shown.person).collect();
    let names: HashMap<PersonId, [String; 3]> = all
        .into_iter()
        .map(|shown| (shown.person, [shown.who.number, shown.who.shown, shown.who.department]))
        .collect();
    let _turn = app.report_turn.acquire().await.map_err(|_| Problem::Busy)?;
    let (word, daily) = (month.word(), wanted.detail == "days");
    let what = format!("took the sheets of {word} as a file: {} people", ids.len());
    app.handles.plans.remark(&seat.account, &what).await.map_err(|_| Problem::NotSaved)?;
    let t = &visitor.t;
    let failed = |error: TableError| {
        tracing::error!(%error, "a file of sheets");
        Problem::Internal
    };
    let ((body, length), kind, ending): ((Body, u64), _, _) = if wanted.form == "xlsx" {
        let table = XlsxTable::new(&word).map_err(failed)?;
        let table = fill(&app, table, &ids, &names, (month, daily), t).await?;
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        let done = tokio::task::spawn_blocking(|| workbook(table)).await;
        (done.map_err(|_| Problem::Internal)?.map_err(failed)?, kind, "xlsx")
    } else {
        let table = fill(&app, CsvTable::new(), &ids, &names, (month, daily), t).await?;
        let bytes = table.finish();
        let length = bytes.len() as u64;
        ((bytes.into(), length), "text/csv; charset=utf-8", "csv")
    };
    let disposition = format!("attachment; filename=\"sheets-{word}.{ending}\"");
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, disposition),
        (CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, body).into_response())
}

/// The workbook as a body of so many bytes: packed into a file without a name, and read from it as
/// it is taken.
fn workbook(table: XlsxTable) -> Result<(Body, u64), TableError> {
    let mut file = tempfile::tempfile()?;
    table.finish(BufWriter::new(&mut file))?;
    let length = file.stream_position()?;
    file.rewind()?;
    let chunks = stream::try_unfold(tokio::fs::File::from_std(file), |mut file| async {
        let mut chunk = Vec::with_capacity(CHUNK);
        let read = file.read_buf(&mut chunk).await?;
        io::Result::Ok((read > 0).then(|| (Bytes::from(chunk), file)))
    });
    Ok((Body::from_stream(chunks), length))
}

async fn fill<T: Table>(
    app: &Shared,
    mut table: T,
    ids: &[PersonId],
    names: &HashMap<PersonId, [String; 3]>,
    (month, daily): (Month, bool),
    t: &Words,
) -> Result<T, Problem> {
    let header: Vec<Cell<'_>> = header(daily).into_iter().map(Cell::Text).collect();
    let mut failed = table.row(&header).err();
    let sheets = app.handles.sheets.of(ids, month.0, month.last(), |sheet| {
        let Some(name) = names.get(&sheet.person).filter(|_| failed.is_none()) else { return };
        let done =
            if daily { days(&mut table, &sheet, name, t) } else { sums(&mut table, &sheet, name) };
        failed = done.err();
    });
    sheets.await?;
    match failed {
        None => Ok(table),
        Some(error) => {
            tracing::error!(%error, "a file of sheets");
            Err(Problem::Internal)
        }
    }
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

fn minutes(m: &DayMinutes) -> [Cell<'static>; 9] {
    [m.planned, m.worked, m.breaks, m.gap, m.late, m.early, m.extra, m.overtime, m.leave]
        .map(Cell::Number)
}

fn sums(table: &mut impl Table, sheet: &PersonSheet, name: &[String; 3]) -> Result<(), TableError> {
    let month = &sheet.sheet.month;
    let days = |state| Cell::Number(month.days.get(&state).copied().unwrap_or_default().into());
    let mut row: Vec<Cell<'_>> = name.iter().map(|text| Cell::Text(text)).collect();
    row.extend([DayState::Present, DayState::Absent, DayState::Missing].map(days));
    row.extend([Cell::Number(month.late_days.into()), Cell::Number(month.open.len() as i64)]);
    row.extend(minutes(&month.minutes));
    table.row(&row)
}

fn days(
    table: &mut impl Table,
    sheet: &PersonSheet,
    name: &[String; 3],
    t: &Words,
) -> Result<(), TableError> {
    for (date, day) in &sheet.sheet.days {
        let (date, state) = (date.to_string(), say::state(day.state, t).label);
        let first = say::clock(day.first_in.as_ref());
        let last = say::clock(day.last_out.as_ref());
        let marks: Vec<String> = day.marks.iter().map(|code| code.to_string()).collect();
        let marks = marks.join(" ");
        let own = [&date, &state, day.shift.as_deref().unwrap_or(""), &first, &last];
        let mut row: Vec<Cell<'_>> = name.iter().map(|text| Cell::Text(text)).collect();
        row.extend(own.map(Cell::Text));
        row.extend(minutes(&day.minutes));
        row.push(Cell::Text(&marks));
        table.row(&row)?;
    }
    Ok(())
}
