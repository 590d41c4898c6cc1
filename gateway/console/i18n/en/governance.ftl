## The policy's life, legal evidence, approvals, rights, audit packs.

nav-governance = Governance
governance-lead = What is in force and by whose word. What frees a record takes two people; what holds one takes one.
governance-policy = Policy
governance-papers = Legal evidence
governance-approvals = Approvals
governance-packs = Audit packs
governance-thresholds = Thresholds with forecast
governance-calendar = What ends when

stop-title = Emergency stop
stop-off = Off: records leave as the policy says.
stop-on = On since { $since }, by { $by }: nothing leaves this box. Punches go on being taken.
stop-end = Two signers end it with muster local-only off.
stop-button = Stop everything that leaves
policy-holds = Nothing leaves now: { $codes }
policy-refused = The policy that was handed in last is not in force, and the one before it stays: { $why }

versions-title = Versions
versions-none = No policy was ever accepted: records are taken and wait. Write one, let two people sign it, and publish it with muster policy publish.
col-version = Version
col-direction = Direction
col-signers = Signed by
col-from = From
col-until = Until
version-superseded = replaced before it began
version-to-come = to come
version-ended = ended
version-began = in force
direction-tightens = tightens
direction-loosens = loosens
direction-neutral = neutral
changes-title = What the newest version changed
trial-title = Tried on the last thirty days, nothing sent
trial-same = Every record would come out the same.
trial-move = { $count }: { $from } would become { $to }

papers-lead = Papers that records rest on, those that end first. A paper counts once two people stand behind it.
papers-none = No paper is on file. File one below.
col-paper = Paper
col-lane = Lane
col-filed = Filed by
paper-withdrawn = withdrawn
paper-ended = ended
paper-to-come = to come
paper-ends-soon = ends within 30 days
paper-in-force = in force

approvals-lead = What waits for another person. Sign the exact text with your own key on your own machine: the key never comes here.
approvals-none = Nothing waits.
approval-done = Approved and done.
approval-first = Your signature is on it. One more signer approves it before anything changes.
request-approved = approved
request-over = over
request-wants-two = two signers
request-wants-one = one more signer
request-asked = By { $by }, { $at }
request-about = About
request-line = Your signature, the line that begins with muster-sig-1
request-hint = Save the text above as request.txt, then: muster approve --text request.txt --key FILE
request-approve = Approve

rights-title = Rights
rights-known = On record
rights-consent = Consent from { $from } to { $to }
rights-guardian = A guardian’s consent from { $from } to { $to }
rights-open = withdrawn
rights-notice = Notice { $kind }, version { $version }
rights-leaves = Leaves on { $day }; biometric evidence goes with them
rights-restriction = Restriction and erasure
rights-free = Not restricted.
rights-since = Restricted since { $since }: nothing of theirs leaves.
rights-restrict = Restrict: nothing of theirs leaves
rights-lift = Ask to lift the restriction
rights-erase = Ask to erase this person
rights-erase-biometrics = Ask to erase their biometric evidence
rights-two = Lifting and erasing take two signers: the request waits under Approvals.
rights-reason = asked for on the page
rights-restricted = Done: nothing of theirs leaves from now on.
rights-proposed = Request { $request } waits for two signers. Nothing has changed yet.
rights-requests = What they asked for
rights-answered = answered
rights-overdue = overdue
rights-owed = answer owed
rights-left-title = Still to do before anything says erased
rights-left = { $place }

packs-lead = An auditor asks, another person releases, and the auditor takes it away within seven days. People are pseudonyms in it; samples name the size of what they are drawn from.
packs-none = Nobody has asked for a pack. An auditor asks for one on this page.
pack-ask = Ask for a pack
pack-ask-button = Ask
pack-days = Write both days; the first is not after the last.
pack-waits = waits for release
pack-released = released by { $by }, { $at }
pack-release = Release
pack-fetch = Take it away
col-pack = Pack
col-days = Days
col-asked = Asked by

nav-flows = Where data goes
flows-lead = What the policy declares against what was seen this month. Red is what nobody declared.
flows-declared = All that was seen was declared
flows-undeclared = { $n ->
    [one] 1 thing was seen that nobody declared
   *[other] { $n } things were seen that nobody declared
}
flows-stopped = Emergency stop: nothing leaves
flows-drawing = The picture is being drawn from the journal; this page shows it by itself.

right-access = to see what is held
right-export = a copy to take away
right-correct = to have it corrected
right-restrict = to restrict its use
right-erase = to have it erased
right-object = objects to its use
rights-name = Name
rights-none = Nothing was asked for.
rights-law = Law
rights-due = Answer owed by
rights-asks = Asks
rights-note = Note the request
rights-note-hint = The law's time for an answer begins now.
rights-noted = Noted. The answer is owed by the day below.
rights-answer = Answer
rights-answer-text = What was answered
rights-answer-button = Note the answer
rights-answer-noted = The answer is noted.
rights-answered-already = Somebody else noted an answer meanwhile, and it stays. Nothing was changed.
rights-correct = Correct the name
rights-correct-button = Correct
rights-correct-hint = The journal keeps who did it, and why. What decides where records go (department, category, age, law, account) is corrected on the box:
rights-correct-rule = A name and a reason have 1 to 200 characters. Nothing was changed.
rights-corrected = Corrected; the journal says who, and why.
rights-changed = Somebody else changed the name meanwhile: it is { $name } now. What you typed is below; send it again if it still holds.
rights-take-all = Download all of it
rights-take-records = Download records only
rights-take-hint = The file has what is held in the clear: hand it to that person alone. The journal says who took it.

profile-number = Number at the terminals
profile-department = Department
profile-category = Category
profile-age = Age band
profile-law = Employment law
profile-account = Account class
profile-platform = User id at the platform
profile-basis = Legal basis
