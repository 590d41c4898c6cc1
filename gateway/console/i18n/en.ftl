# Every text of the page, in English. Keys are shared by all languages.

## Around every page
skip = Skip to the page
site = Site
nav-label = Pages
nav-today = Today
nav-terminals = Terminals
nav-waiting = Not sent yet
nav-health = Health
nav-reports = Reports
explain-title = Why this record goes or waits
explain-frees = The smallest sets of things that would free it
explain-damaged = Its decision cannot be read any more, so it waits.
reports-intro = What an auditor or an authority asks for, with the same figures as the command line.
reports-key-title = The box's key
reports-key = Signed files of this box are checked with muster-verify and this public key. Take it from here, not from where the file came from.
report-from = From
report-to = To
report-show = Show
report-take = Download { $form }
report-nothing = Nothing in these days.
report-more = There are more rows; the files have all of them.
language-label = Language
log-out = Log out
foot = Served by the box on this site. It works while every cloud is down.

## In and out
login-title = Log in
login-lead = Attendance of this site, kept on this site.
login-name = Name
login-password = Password or one-time code
login-hint = The first time, use the one-time code that you were given.
login-button = Log in
login-own = Employee? See your own punches
login-wrong = Name and password do not fit. A one-time code works once; if you left before choosing a password, it works again after 15 minutes.
login-too-many = Too many tries for this name. Nothing is locked for good: try again in { $n ->
    [one] { $shown } minute
   *[other] { $shown } minutes
  }.
welcome-title = Choose your password
welcome-lead = Welcome, { $name }. Your one-time code ends here; from now on you log in with a password of your own.
welcome-password = New password
welcome-again = The same again
welcome-rule = At least { $shown } characters. A few words in a row are good and easy to keep in mind.
welcome-button = Save and go on
password-short = The password is too short: it has to have at least { $shown } characters. Nothing was saved.
password-long = The password is too long: 256 bytes are the most. Nothing was saved.
password-plain = The password is too easy to guess. Use other words than your name, and more different characters. Nothing was saved.
password-differs = The two passwords differ. Nothing was saved; type them again.
nothing-title = Nothing for you here yet
nothing-next = Your account holds no role that opens a page. Ask whoever manages accounts for one.

## What goes wrong
problem-missing = There is no such page
problem-missing-next = The address may be old, or the page is not part of your work. Nothing was changed.
problem-stale = This form is too old
problem-stale-next = It was opened before you logged in or out, or on another address. Nothing was changed: go back, load the page again and repeat the step.
problem-form = This form cannot be read
problem-form-next = It was damaged or too large. Nothing was changed: go back and try again.
problem-large = This form is too large
problem-large-next = It has more than { $most } KiB, which is all that is taken of it at a time. Nothing was changed: go back, and bring it in as several smaller files.
problem-rebuilding = The lists are being rebuilt
problem-rebuilding-next = No punch is lost and new ones are taken meanwhile. This page tries again by itself.
problem-views = The lists cannot be read right now
problem-views-next = No punch is lost: the box sets the damaged lists aside and builds them again from its journal. Try again in a minute.
problem-busy = Too much at once
problem-busy-next = Nothing was changed and punches are taken as ever. Try again in a moment.
problem-not-saved = Not saved
problem-not-saved-next = The box could not write to its disk. What was there before still holds. Look at Health, then try again.
problem-internal = Something went wrong
problem-internal-next = Nothing was lost. Try again; if it stays, look at the log of the box.
problem-back = Go on
problem-host = This box does not know the address you used. Open it by its own address, or add the name to the console section of its configuration. 這部主機不認得你用的地址。請改用主機本身的地址，或把名稱加進設定檔的 console 一節。
api-log-in = Log in first.

## Numbers and times
date-long = { $weekday } { $day } { $month } { $year }
date-short = { $date }
stamp = { $date } { $time }
since = since { $time }
as-of = as of { $time }
printed = Printed { $time }
age-now = just now
age-minutes = { $shown } min ago
age-hours = { $shown } h ago
age-days = { $n ->
    [one] { $shown } day ago
   *[other] { $shown } days ago
  }
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
month-1 = January
month-2 = February
month-3 = March
month-4 = April
month-5 = May
month-6 = June
month-7 = July
month-8 = August
month-9 = September
month-10 = October
month-11 = November
month-12 = December

## Columns
col-person = Person
col-presence = Now
col-due = Due
col-last = Last punch
col-first = First
col-punches = Punches
col-terminal = Terminal
col-sending = Sending
col-time = Time
col-method = Method
col-way = Direction
col-number = No.
col-state = State
col-seen = Last seen
col-records = Records
col-refused = Refused
col-advice = What to do
col-why = Why
col-cure = What would free it
cure-lead = What would free it:
col-oldest = Oldest
col-waits = Waits since
col-destination = Destination
col-backlog = Waiting
col-settled = Sent
col-rejected = Rejected
col-last-sent = Last sent
col-messages = Messages

## People
person-unnamed = Number { $number }
person-erased = Erased person
person-nobody = Nobody known
presence-in = In
presence-probably-in = Probably in
presence-out = Out
presence-probably-out = Probably out
presence-refused = Refused
late-due = Late: due { $time }
way-in = In
way-out = Out
way-refused = Refused
way-repeat = Repeat
way-set-aside = Set aside
way-none = –
method-fingerprint = Fingerprint
method-face = Face
method-card = Card
method-pin = PIN
method-palm = Palm
method-other = Other
note-box-time = Time by the box: the terminal was not sure of its own
note-late = Came late, at { $time }
note-derived = By turns: the terminal did not say which way

## Today
live-on = Live
live-off = Not live
live-still = As loaded
count-in = In now
count-missing = Not in yet
count-late = Late
count-seen = Seen today
count-refused = Refused
count-waiting = Not sent yet
pulse-title = Punches by half hour
pulse-total = Today:
pulse-peak = Most:
pulse-table = As a table
pulse-hour = Hour
pulse-punches = Punches
show-label = Show
show-all = Everybody
show-in = In
show-missing = Not in yet
show-late = Late
show-out = Out
show-waiting = Not sent yet
show-refused = Refused
search-label = Name, number, department
search-button = Search
search-found = { $n ->
    [one] { $shown } person found
   *[other] { $shown } people found
  }
search-none = Nobody fits
search-none-next = Only people seen today are searched. Try a part of the name, or the number on the terminal.
empty-today = Nobody has punched today
empty-today-next = The first punch shows here within two seconds. If people have punched, look at Terminals.
empty-in = Nobody is in
empty-in-next = Who punches in shows here within two seconds.
empty-missing = Everybody who was to come by now has been seen
empty-missing-next = Who has not punched some minutes after their shift began shows here. That is no absence: a terminal may still have their punch.
empty-late = Nobody came late today
empty-late-next = Who comes later than their shift allows shows here within two seconds.
empty-out = Nobody has left yet
empty-out-next = Who punches out shows here within two seconds.
empty-waiting = All of today's records are on their way or sent
empty-waiting-next = Records that may not leave the site show here, with the reason.
empty-refused = No terminal has refused anybody today
empty-refused-next = Unknown fingers, faces and cards show here with the terminal and the time.
waiting-records = { $n ->
    [one] { $shown } record
   *[other] { $shown } records
  }
pages-label = More rows
page-first = From the start

## A person's day
day-title = Punches of the day
day-label = Day
day-previous = The day before
day-next = The day after
day-first = First punch
day-last = Last punch
day-strip = Punches over the day, from midnight to midnight; the table below lists them
day-more = and { $shown } more on this day; muster records lists them all
empty-day = No punch on this day
empty-day-next = If there should be one, see under Terminals whether every terminal has been heard of since.

## Sending
state-held = Not sent yet
state-queued = On its way
state-settled = Sent
state-dropped = Stays here
state-quarantined = Needs you

## Terminals
terminals-lead = When each was last heard of, and what to do.
terminals-green = { $n ->
    [one] { $shown } well
   *[other] { $shown } well
  }
terminals-amber = { $n ->
    [one] { $shown } to check
   *[other] { $shown } to check
  }
terminals-red = { $n ->
    [one] { $shown } silent
   *[other] { $shown } silent
  }
terminals-more = { $n ->
    [one] and { $shown } more; muster device list shows all
   *[other] and { $shown } more; muster device list shows all
  }
terminal-unknown = Unknown terminal
terminal-through = through { $name }
never-seen = never
empty-terminals = No terminal yet
empty-terminals-next = Pair the first one at the box:
light-green = Well
light-amber = Check
light-red = Silent
light-off = Revoked
kind-m1 = M1, serial
kind-m2 = M2, network
kind-c1 = C1, communication centre
kind-reader = Reader
kind-unpaired = Not paired
advice-none = Nothing to do.
advice-refused = Nothing now. Some of its messages were refused; the reasons are under Health.
advice-quiet = Quiet for a quarter of an hour or more. If people punch there, check its power and cable.
advice-silent = Not heard from for a day or more. Check power, cable and network at the terminal; it keeps its punches and sends them when it is back.
advice-never = Not heard from since it was paired. Enter its credentials at the terminal and check the cable.
advice-unpaired = Takes part without credentials, on the box itself. Pair it with muster device pair, or take it off.
advice-revoked = Nothing is taken from it any more.

## Not sent yet
waiting-lead = Records that stay on the box for now. None is lost and none goes anywhere else.
waiting-total = records not sent yet
reasons-title = By reason
reasons-several = A record can wait for several reasons at once, and is counted at each.
destinations-title = Destinations
empty-held = Nothing is held
empty-held-next = Records that no rule lets go show here with the reason and what would free them.
empty-destinations = No destination yet
empty-destinations-next = Destinations come with a signed policy. Until then punches are taken and kept here.
empty-reason = Nothing waits for this reason any more
empty-reason-next = It was freed, or belongs to departments that are not yours.
destination-clear = Up to date
destination-sending = Sending
destination-down = Not reachable since { $since }
destination-wrong = Wrong region since { $since }
destination-tenant = Another tenant answers since { $since }
destination-quota = No more calls allowed since { $since }
proof-contract = region by contract, not verified
proof-wire = region seen on the wire
calls-used = { $used } of { $limit } calls used this month
never-sent = never
quarantined-count = { $n ->
    [one] { $shown } record was set aside.
   *[other] { $shown } records were set aside.
  }

## Reasons
why-biometric = Biometric data never leaves the site
cure-biometric = Nothing: it stays here and is destroyed when its time is over.
why-no-permit = No rule of the policy lets it go
cure-no-permit = A signed policy with a permit for these records.
why-down = The destination cannot be reached
cure-down = It goes by itself once the destination answers; see its cause below.
why-wrong-region = What answers is not the region of the policy
cure-wrong-region = The destination has to show a certificate of the region that the policy names. Tell whoever runs it.
why-no-policy = No policy is in force
cure-no-policy = Publish a signed policy: muster policy publish.
why-unsigned = The policy lacks signatures
cure-unsigned = Two people in two roles have to sign it, one of them the data protection officer.
why-out-of-date = The policy is not in its dates
cure-out-of-date = Publish a version whose dates hold today.
why-basis = The legal basis is not on record
cure-basis = Add the basis of these people to the directory.
why-law = The law pack has no rules for one of the laws
cure-law = Publish a law pack that covers it.
why-site = The site is not in the policy
cure-site = Add the site to the policy, or mend the site in the configuration.
why-clock = The clock of the box cannot be trusted
cure-untrusted-clock = Connect the box to a time server; records then go on by themselves.
why-error = The decision failed
cure-error = Look at the log of the box; the record waits until it can be decided.
why-approval = Somebody has to approve it
cure-approval = An approval by the role that the policy names.
why-guardian = A guardian's consent is missing
cure-guardian = Put the guardian's consent on record.
why-restricted = The person has restricted what may be done with their data
cure-restricted = Nothing leaves until the restriction is lifted, which takes two signers.
why-notice = The notice they were given is not the one in force
cure-notice = Give them the notice in force, and note it with muster notice.
why-local-only = The emergency stop is on: nothing leaves
cure-local-only = Two people end it, under Governance or with muster local-only off.
why-too-old = Too old for the destination
cure-too-old = Nothing: the destination does not take it any more. It stays here.
why-ambiguous = Two rules name two destinations
cure-ambiguous = Mend the policy so that one permit fits.
why-account = The account's class does not fit the destination
cure-account = Correct the account class in the directory, or the policy.
why-small-group = The group is too small to be sent as a sum
cure-small-group = It goes when the group is large enough.
why-fact = A fact is missing: { $what }
cure-fact = Add { $what } to the directory or to the policy.
fact-account = the class of the account
fact-age-band = the age band
fact-category = the category
fact-check-time = the time of the punch
fact-class = the class of the record
fact-department = the department
why-consent = Consent is not given ({ $what })
cure-consent = The person's consent on record, or another basis.
why-paper = A paper is missing: { $what }
cure-paper = Put { $what } on file with muster papers add.
why-gate = A condition of the law is not met: { $what }
cure-gate = The papers that the law asks for; muster policy explain names them.
why-limit = A yearly limit is reached: { $what }
cure-limit = An approval, or the mechanism that the law asks for above the limit.
why-own-rule = A rule of the site's own policy holds it
cure-own-rule = See the rule in the policy; muster policy explain names it.

## Health
health-policy = Policy in force:
policy-none = none
verdict-ok = All is well
verdict-degraded = Something needs a look
verdict-failing = Punches may not be taken
health-ok = Well
health-degraded = Check
health-failing = Broken
checks-title = Checks
what-to-do = What to do:
check-journal = Journal
check-views = Lists
check-policy = Policy
check-quarantine = Records set aside
check-disk = Disk
check-clock = Clock
check-expiry = What ends soon
check-rights = Answers to people
check-vault = Biometric evidence
check-renewal = Certificates of terminals
check-serial = Serial port
check-broker = MQTT broker
check-egress = Terminals that try to get out
check-siem = Event collector
cure-receipts = Terminals keep their punches meanwhile. Free disk space or replace the disk, then restart the box.
cause-views = { $n ->
    [one] Being filled: { $shown } record behind.
   *[other] Being filled: { $shown } records behind.
  }
cure-lists = Nothing: they are rebuilt from the journal, and no punch is lost.
cause-quarantined = { $n ->
    [one] { $shown } record could not be told for certain: the same number twice with different content, or a time that cannot be.
   *[other] { $shown } records could not be told for certain: the same number twice with different content, or a time that cannot be.
  }
cure-quarantined = Look at them with muster records and put right what is wrong at the terminal.
figure-records = Records in the journal
figure-receipted = Receipted since the start
figure-held = Not sent yet
figure-quarantined = Set aside
figure-refused = Messages refused
figure-bytes = Journal on disk
refusals-title = Messages refused for good
refusal-unknown-device = The terminal is not known
refusal-wrong-device = Sent on behalf of another terminal
refusal-revoked = The terminal is revoked
refusal-malformed = Cannot be read
refusal-oversized = Too large
refusal-not-authentic = Seal does not fit
refusal-bad-topic = Sent to a topic that is not its own
refusal-bad-person = The person's number does not fit
refusal-bad-time = The time does not fit
refusal-too-sparse = A number far ahead of the last
refusal-unknown-version = A version of the protocol that is not known
