## Sheets, corrections, plans, who is on site.

nav-sheets = Sheets
nav-onsite = On site
tab-month = Month
tab-day = Day
tab-exceptions = Needs a look
tab-corrections = Corrections
tab-plans = Plans
tab-unknown = Unknown numbers
month-title = The month
month-year = { $month } { $year }
month-previous = Month before
month-next = Month after
pager-month = Month
page-previous = Page before
page-next = Next page
filter-button = Show
people-count = { $n ->
    [one] One person
   *[other] { $shown } people
 }
weekday-short-1 = Mon
weekday-short-2 = Tue
weekday-short-3 = Wed
weekday-short-4 = Thu
weekday-short-5 = Fri
weekday-short-6 = Sat
weekday-short-7 = Sun
col-date = Date
col-shift = Shift
col-marks = Why
col-what = What
col-reason = Reason
col-by = By
col-line = Line

sheet-present = present
sheet-half = half a day
sheet-absent = absent
sheet-missing = punch missing
sheet-leave = leave
sheet-holiday = holiday
sheet-storm = storm
sheet-off = day off
sheet-not-employed = not employed
sheet-unrostered = no roster
sheet-unknown = not known yet
short-present = ✓
short-half = ½
short-absent = A
short-missing = !
short-leave = L
short-holiday = H
short-storm = S
short-off = ·
short-not-employed = –
short-unrostered = ?
short-unknown = …
matrix-legend = ✓ present · ½ half a day · A absent · ! punch missing · L leave · H holiday · S storm · a dot is a day off · ? no roster · – not employed · … not known yet. A day with a bar on top needs a look.

sum-planned = Planned
sum-worked = Worked
sum-overtime = Overtime
sum-extra = Not approved
sum-late = Days late
sum-early = Days left early
sum-absent = Days absent
sum-missing = Punches missing
sum-leave = Leave
sum-open = Days open

mark-late = Came { $shown } min after the start of the plan
mark-early = Left { $shown } min before the end of the plan
mark-gap = Away for { $shown } planned min in between
mark-leave = Approved leave took { $shown } min off the plan
mark-storm = A storm took { $shown } min off the plan
mark-ot = { $shown } min of approved overtime
mark-ot-unapproved = { $shown } min outside the plan that nobody approved
mark-short = { $shown } min less than the flexible day asks for
mark-below-absent = Worked { $worked } of { $planned }: too little to count as there
mark-below-half = Worked { $worked } of { $planned }: counts as half a day
mark-clock-box = The terminal’s clock was not sure; the box’s time counts
mark-clock-redated = The terminal’s clock was wrong; the approved time counts
mark-clock-wait = The terminal’s clock was wrong; waits for its times to be approved
mark-corr-conflict = Another correction of this punch counts
mark-corr-pending = A correction waits for a second person
mark-corrected = Corrected, with a second person’s approval
mark-data-wait = A terminal’s punches of this day may still come
mark-day-open = The day is not over
mark-denied = The terminal did not let them through
mark-derived = No terminal said which way; taken from the order
mark-double = A repeat of the punch before
mark-dst = The clock changes on this day
mark-future = Later than now
mark-holiday = Public holiday
mark-missing-in = There is no punch in
mark-missing-out = There is no punch out
mark-multi-site = Punched at two sites
mark-no-punch = No punch, and every terminal’s data is here
mark-no-roster = No roster says what this day is
mark-not-employed = Not employed on this day
mark-off = Day off by roster
mark-outside-window = Too far from the shift to belong to it
mark-rest-work = Worked on a day without plan
mark-shift-bad = The roster names a shift that there is not
mark-between = Between the first and the last of the day
mark-unpaired = The punch that belongs with it is missing
mark-voided = Taken out by a correction
mark-other = See the rules
counts-yes = Counts on the sheet
counts-elsewhere = Counts on another day’s sheet

sheet-closed = Closed { $time } by { $by }.
sheet-gaps = Open then: { $gaps }.
adjusted-title = Changed since the month was closed
adjusted-backfill = a punch came later
adjusted-correction = corrected
adjusted-other = plan or rules changed
planless = No shift is on file yet, so every day is without a roster. Enter the first under
empty-sheets = Nobody to show
empty-sheets-next = People come with “muster person import”; HR sees its own departments.
empty-exceptions = Nothing needs a look
empty-exceptions-next = Absences, missing punches, lateness and work that nobody approved show here.
exceptions-found = Days that need a look: { $count }
exceptions-more = There are more; choose a department or take the file.
file-title = Download the month
file-detail = Detail
file-sums = One row per person
file-days = One row per day
close-title = Close the month
close-lead = Payroll gets what the sheets say now. What is still open is named, and later changes show as adjustments. Nothing is locked.
close-button = Close { $month }

corrections-lead = What was recorded stays; a correction counts once a second person has approved it.
correction-open = Correct
correction-pending = waits
correction-approved = approved
correction-rejected = turned down
correction-add = Adds a punch { $way } at { $time }
correction-set = Changes a punch to { $time } { $way }
correction-void = Takes a punch out
correction-as-is = as it is
correction-ask-set = Ask to change
correction-ask-void = Ask to take out
correction-ask-add = Ask to add
correction-add-title = Add a punch that is missing
correction-hint = A time past midnight may be written on, as 25:30. A second person approves; until then the sheet says that a correction waits.
correction-approve = Approve
correction-reject = Turn down
correction-withdraw = Take back
correction-time = The time is to be written as 08:59 or 08:59:30. Nothing was changed.
correction-reason = Give a reason of at most 500 characters. Nothing was changed.
correction-same-person = Whoever asked cannot approve: a second person does. Nothing was changed.
correction-decided = Somebody has decided on this already.
empty-corrections = No correction waits
empty-corrections-next = Open a person’s day to ask for one.

plans-lead = What people were planned to work: the sheets are computed from punches and plans.
plans-rosters = Rosters
plans-leave = Leave
plans-overtime = Overtime
plans-employed = Employment
plans-shifts = Shifts
plans-usual = Usual week
plans-holidays = Holidays
plans-storms = Storms
plans-rosters-lead = A cycle of shifts for a person from a date on; “-” is a day off. It repeats until the end, or the next roster.
plans-leave-lead = Approved leave: a whole day, am, pm, or hours.
plans-overtime-lead = Approved overtime in minutes.
plans-employed-lead = First and last day of employment.
plans-shifts-lead = Times from 00:00 to 48:00: 30:00 is 06:00 the next day. Several parts are a split shift.
plans-usual-lead = The shift of people without a roster, and its weekdays: 1 is Monday.
plans-holidays-lead = Public holidays, at one site or, if left empty, all.
plans-storms-lead = Hours in which a storm keeps people at home.
plans-enter = Enter
plans-columns = Columns:
plans-file = A CSV file
plans-encoding = Encoding
plans-encoding-auto = found automatically
plans-table = Or type or paste the table
plans-button = Check and enter
plans-file-lines = { $lines } lines
plans-file-reading = Being read: { $lines } lines, { $seconds } s so far. Until all of it is right, nothing is entered.
plans-file-large = This file is larger than { $most } MiB: bring it in as several smaller ones.
plans-problems = Nothing was entered
plans-more = { $shown } more lines have problems.
plans-done = { $n ->
    [one] One line was entered.
   *[other] { $shown } lines were entered.
 }
plans-there = In force
plans-remove = Take out
plans-not-yours = Who sees all departments changes what concerns everybody.

onsite-lead = By each person’s last punch; not a head count.
onsite-in = In
onsite-unclear = Unclear
onsite-out = Out
onsite-nobody = Nobody
onsite-safe = Safe
onsite-gate = Last gate
onsite-night = since last night
onsite-by-turns = by the order of punches
onsite-away = The box cannot be reached. This is its last copy; what you tick off is kept on this page.
onsite-others = { $n ->
    [one] One person of other departments is in or unclear.
   *[other] { $shown } people of other departments are in or unclear.
 }
onsite-unnamed = { $n ->
    [one] One number at the terminals has no person yet; whoever it is may be on site.
   *[other] { $shown } numbers at the terminals have no person yet; whoever they are may be on site.
 }
onsite-set-aside = { $n ->
    [one] One person’s last punch was set aside; count them as unclear.
   *[other] The last punches of { $shown } people were set aside; count them as unclear.
 }
onsite-refused = { $n ->
    [one] One punch was refused today.
   *[other] { $shown } punches were refused today.
 }
print = Print

unknown-lead = Terminals sent these numbers, and nobody has said whose they are. Their punches are kept.
unknown-number-col = Number
unknown-whose = Whose is it?
unknown-person = Staff number
unknown-button = Assign
unknown-nobody = There is nobody of this number. Import the person first. Nothing was changed.
unknown-device = There is no such terminal. Nothing was changed.
unknown-number = This is no number that a terminal can send. Nothing was changed.
empty-unknown = Every number has its person
empty-unknown-next = A number that a terminal sends for the first time shows here.

gap-badge = punches missing
gap-told = { $count } missing: numbers { $first } to { $last } since the terminal’s start { $boot }, noticed { $since }. The box asks for them again by itself where the terminal can answer.
gap-accept = Give up as lost
clock-badge = wrong clock
clock-done = times approved
clock-told = { $count } stored punches since the terminal’s start { $boot } say { $from } to { $to }.
clock-preview = By its live punches of the same start they were made { $from } to { $to }.
clock-unknown = No live punch of this start shows how wrong the clock was: they wait.
clock-approve = Count them so

# What is wrong with a table. Names of columns stay as they are.
csv-no-table = This is no CSV table.
csv-not-text = The file is not plain text; save it as CSV in UTF-8.
csv-encoding-wrong = The file is not written in the encoding that was chosen; choose another.
csv-encoding-two = The file may be GB18030 or Big5: choose which, or save it as UTF-8.
csv-encoding-unknown = The file's encoding is not known; save it as CSV in UTF-8.
csv-too-many = More than { $max } lines; give it in parts.
csv-quote = A quote is not closed.
csv-cells = More cells than the header has columns.
csv-same = The same as line { $line }; keep one of them.
csv-column-unknown = Column { $place } is none of { $known }; rename or remove it.
csv-column-twice = The column { $column } is there twice.
csv-column-missing = The column { $column } is missing.
csv-person = person: there is nobody of this number that you may change.
csv-date = { $column }: a date as 2026-12-24, from 1970 to 2200.
csv-time = { $column }: a time as 09:00; 30:00 is 06:00 the next day.
csv-times = { $column }: times as 09:00-13:00 14:00-18:00.
csv-minutes = { $column }: a number of minutes.
csv-minutes-most = minutes: at most { $max }.
csv-yes-no = { $column }: yes or no.
csv-part = part: full, am, pm or hours.
csv-workdays = workdays: numbers from 1, Monday, to 7, Sunday.
csv-name = shift: a name has 1 to { $max } characters.
csv-shift = shift: this makes no shift; check the times, 00:00 to 48:00, holidays (off or work) and pairing (first_last or pairs).
csv-parts-none = parts: give at least one, as 09:00-18:00.
csv-part-length = parts: { $from } to { $to } has no length; past midnight, 06:00 is 30:00.
csv-parts-order = parts: the one from { $from } begins before the one until { $until } ends.
csv-break-length = breaks: { $from } to { $to } has no length; past midnight, 00:30 is 24:30.
csv-ends = to: it ends before it begins.
csv-cycle = cycle: 1 to { $max } days.
csv-full = There is room for { $max } at most.
csv-refused = The table was refused; nothing was entered.

csv-changed = somebody else wrote something else here while this page was open; look at what is there now, then send it again to replace it
correction-met = Somebody else asked for a correction of this meanwhile; it is below. What you typed is still in the form: send it again if it is wanted as well.
