## What commands about papers, people and approvals say on a terminal.

told-withdrawn = { $number } is withdrawn; what rested on it is held
told-on-file = { $number } is on file, SHA-256 { $sha256 }
told-consent = noted; their records are judged again
told-notice-published = published; give it to the people before it comes into force
told-notice-given = noted as given
told-baseline = entered; exports are judged with it from now on
told-stopped = local-only is on: nothing leaves this box
told-restricted = restricted
told-lifted = lifted; their records are judged again
told-noted = noted
told-answered = answered
told-mapped = mapped; their punches are judged again
told-imported = { $added } added, { $updated } updated, { $unchanged } unchanged
told-corrected = corrected: { $columns }
told-asked = request { $number }: an answer is owed by { $due }

paper-withdrawn = withdrawn
paper-to-come = to come
paper-ended = ended
paper-in-force = in force
paper-span = { $from } to { $to }

notice-line = { $kind } { $version } from { $from } of { $to }

counter-all = all
counter-line = { $law } { $year } to { $to } { $bucket } { $persons } persons, { $sensitive } sensitive, { $records } records
counter-bound-none = (lower bound: no other system's exports entered)
counter-bound = (lower bound)
counter-alarm = ALARM
counter-legal = law
counter-early = early
counter-mark = { $scale } { $threshold }: { $count } of { $at }
counter-forecast = reached on { $day } at this pace

request-set-up = done, asked by { $person }: the box is being set up, so this needs nobody else
request-made = request { $id }, asked by { $person } ({ $role })
request-second = another person approves it within a day: muster approve { $id } --key FILE
request-frees = request { $id }: it frees records, so it counts once two signers approved it
request-both = each of them, within a day: muster approve { $id } --key FILE
request-about = about { $person } { $name }
request-approved = approved by { $person } ({ $role })
request-one-more = one more signer approves it before it counts
request-todo = still to do: { $todo }
request-state-approved = approved by { $person }
request-state-waits = waits for approval, one day
request-asked = asked by { $person }
request-proposed = proposed by { $person }, unsigned

signer-from = signs from { $from } on

erasure-done = erased
erasure-deferred = restricted until { $until }: the law of { $law } wants the hours kept
erasure-left = gone from this box, still to do: { $left }

right-answered = answered
right-overdue = OVERDUE since { $due }
right-owed = owed by { $due }
right-line = { $number } { $person } { $right } under { $law }: { $state }

person-records = records, last year
told-policy-good = the policy is good
told-in-all = in all: { $direction }
told-warning = warning

import-unread = cannot read { $file }: { $why }
import-nothing = { $file }: nothing was imported; correct this and import it again:
import-more = and { $count } more
import-encoding-wrong = the file is not in { $encoding }; name another with --encoding, or save it as UTF-8
import-no-text = the file is no text; save it as CSV in UTF-8
import-encoding-two = the file may be in GB18030 or in Big5; name one with --encoding
import-encoding-unknown = the file is in none of UTF-8, GB18030 and Big5; save it as CSV in UTF-8
import-no-table = the file is no CSV table; save it as CSV in UTF-8
import-column-unknown = unknown column { $column }; columns are { $known }
import-column-twice = column { $column } is there twice
import-column-missing = column { $column } is missing; person and name must be there
import-cells = line { $line }: as many cells as there are columns are needed
import-number = line { $line }: person: 1 to 48 characters without control characters are needed
import-same = line { $line }: person: as in line { $first }; one line a person
import-too-many = more than { $max } rows; split the file
import-name = line { $line }: name: the name is missing
import-long = line { $line }: { $column }: { $max } characters at most
import-word = line { $line }: { $column }: one of { $words }, or nothing
import-laws = line { $line }: employment_law: { $max } codes at most
import-law = line { $line }: employment_law: codes such as MO or CN

doctor-ok = ok
doctor-warning = warning
doctor-broken = BROKEN
doctor-count = { $ok } well, { $warnings } to look after, { $broken } broken

status-site = site
status-gateway = gateway
status-running = running
status-stopped = not running
status-journal = journal
status-records = { $state }, { $count } records
status-policy = policy
status-no-policy = none: everything waits
status-holds = nothing leaves: { $code }
status-refused = refused: { $why }
status-next = { $policy } takes over on its day
status-stop = local-only
status-stopped-by = on, by { $by }: nothing leaves
status-ends = ends
status-ended = ended
status-waiting = not sent yet
status-held = { $count } held: { $code }
status-destination = destination
status-sent = { $name }: { $backlog } waiting, { $settled } settled of { $permitted } permitted, { $undeliverable } undeliverable
status-paused = , paused: { $why }
status-alarm = alarm
status-alarm-told = { $device }: { $cause } ({ $count } times)
status-nobody = no device of ours
status-need = need you
status-set-aside = { $count } set aside
