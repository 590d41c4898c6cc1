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
