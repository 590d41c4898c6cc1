## What the page has the box do: the doctor's round, enrolment at a terminal, asking again.

doctor-title = Doctor
doctor-lead = The same checks as “muster doctor”, each with cause and cure.
doctor-examine = Check everything now
doctor-running = { $n ->
    [one] Checking everything, for one second so far.
   *[other] Checking everything, for { $shown } seconds so far.
 }
doctor-none = Nothing has been checked since the box started.
doctor-none-next = “Check everything now” reads the whole journal and asks every region; punches are taken meanwhile.
doctor-runbook = In the runbook

enrol-title = Enrolment
enrol-lead = A finger is taken only where notice, a legal basis for biometrics and the age are on record. A PIN or a card is always there beside it.
enrol-who = Who is it for?
enrol-look = See what is on record
enrol-how = How, and where
enrol-on-record = on record
enrol-missing = missing
enrol-notice = Notice was given
enrol-notice-next = Give the person the notice, then record it: “muster notice give”.
enrol-basis = Legal basis for biometrics, apart from that for attendance
enrol-basis-next = The person’s own consent, or a paper on file: the data protection officer records it.
enrol-age = Age
enrol-age-next = HR enters the age band in the directory.
enrol-page-label = Place of the finger in the terminal
enrol-finger = Take a finger
enrol-finger-hint = The terminal asks for the finger twice.
enrol-pin = Choose a PIN at the terminal
enrol-pin-hint = For a PIN the person types their number, #, the PIN and # at the terminal. Who has a card needs no enrolment: HR maps its number.
enrol-not-on-record = No finger may be taken: what is marked above is missing. Nothing was asked of the terminal.
enrol-no-terminal = This terminal takes no tasks. Choose one of the list; nothing was asked of it.
enrol-no-m1 = No paired M1 is here.
enrol-no-m1-next = Pair one first; other terminals enrol people by themselves.
enrol-page = Give the place where the terminal is to keep the finger: a number from 0 to 65535. Nothing was asked of it.
enrol-busy = The box is busy with such things already. Wait for one to end; nothing was begun.
enrol-jobs = In progress and done
enrol-none = Nobody has been enrolled since the box started.
enrol-none-next = Enter a number above to see what is on record.
enrol-running = under way
enrol-running-next = The person is to be at the terminal now.
enrol-done = done
enrol-refused = not done

gap-again = Ask again
gap-asked = Asked again at { $time }: it sends all that it keeps.

journal-title = Journal
journal-lead = Every administrative act, as it was journaled; nobody edits it unseen.
journal-running = Reading the journal from its beginning; punches are taken meanwhile.
journal-all = everything
journal-look = Search
journal-fresh = Nothing has been searched for yet.
journal-fresh-next = Choose the days, what kind of act and who did it.
journal-batch = Batch
journal-says = What it says
journal-open = Show
journal-found = { $n ->
    [0] Nothing fits.
    [one] One act.
   *[other] { $shown } acts.
 }
journal-newest = { $n ->
    [one] One act.
   *[other] { $shown } acts; the newest 300 are shown. Choose fewer days to see the others.
 }
journal-days = The first day comes before the last. Nothing was looked for.
journal-check = Is it complete?
journal-check-lead = The box reads every batch and the chain over them. Whoever does not take the box’s word checks an audit pack apart from it:
journal-key = key of this box
journal-check-button = Check the whole journal
journal-whole = complete
journal-damaged = damaged
journal-unchecked = not checked
journal-whole-told = { $batches } batches, { $records } records, { $time }
journal-accounts = accounts and access
journal-policy = policy and decisions
journal-rights = persons and their rights
journal-devices = terminals
journal-plans = plans and corrections
journal-exports = what left the site
journal-box = the box itself

pair-title = Pair and replace
pair-lead = A terminal joins with a one-time code at the wall; nobody carries keys about.
pair-made = Scan the picture at the terminal, or type what stands beside it. Compare the fingerprint that the terminal shows. It is shown only now;
pair-minutes = { $n ->
    [one] it works once, within one minute.
   *[other] it works once, within { $shown } minutes.
 }
pair-picture = QR code for the terminal
pair-address = The box
pair-fingerprint = Fingerprint
pair-link = All in one
pair-new = A new terminal
pair-kind = Model
pair-carrier = Connected through
pair-host = Address of the box for the terminal (empty: the box’s own)
pair-closed = Terminals with certificates have no listener here: set [mqtt] listen in the configuration, and restart.
pair-list = Paired terminals
pair-replace = Replacing shuts the old terminal out and pairs the new one under its name, in one step. What the old one sent stays; what it still keeps is lost unless it is read first. A lost terminal is shut out at once.
pair-heard = heard from
pair-not-heard = not heard from yet
pair-revoke = Shut out
pair-name-rule = A name has 1 to 64 characters, none of / + #.
pair-nothing = Nothing was paired.

pair-another = Pair another one
pair-waits = Waiting for the terminal to come with its code
pair-came = It has come and is paired: make a test punch at it
pair-punched = It works: its first punch came at { $time }
pair-replace-button = Replace by a new one
card-title = A new M1
card-lead = An M1 has no screen and no network: it comes in by its card. Give it a name, write the card's image to a card, put the card in and switch the terminal on.
card-address = Address on its line
card-button = Make its card
card-replace = Replace by a new card
card-hint = The image holds the terminal's secret and is made only once: delete the file when the card is written. To write it:
