## The warden's device, and an employee's own page: who comes without an account.

onsite-title = Last seen on site
onsite-doubt-set-aside = Last punch was set aside: where they are is not known.
onsite-box-silent = has not told anything yet
warden-safe-by = { $name }, { $time }
warden-away = The box cannot be reached. This is its last copy; what you tick off is kept on this device and told to the box when it is back.
warden-done = Ticked off as safe:
warden-no-copy = This device does not trust the box’s certificate, so it keeps no copy for when the box is off. Install the certificate on it, or leave this page open.
warden-gone = The copy on this device was too old and has been deleted. Nothing at the box was lost: open this page again once the box can be reached.
warden-door-title = Warden’s device
warden-door-lead = This device will show who was last seen on site, and stay signed in for that alone. It opens no door and changes nothing.
warden-door-hint = Facilities makes the code at the box’s page, under “Last seen on site”. It works once.
warden-door-button = Enrol this device
warden-door-wrong = This code does not fit, was used already, or is over. Ask facilities for a new one; nothing was changed.

wardens-title = Wardens’ devices
wardens-lead = Tablets and phones that show who was last seen on site, also while the box is off.
wardens-none = No device is enrolled.
wardens-none-next = Name one below, then open the address on that device and enter the code.
warden-device = Device
warden-enrolled = enrolled
warden-invited = waits for its code
warden-code-over = code is over
warden-over = enrolment is over
warden-told = By { $by }, { $at }; until { $until }.
warden-end = End
warden-add = Enrol a device
warden-add-button = Make a code
warden-made-lead = { $n ->
    [one] Open the address on the device and enter the code within one minute. It is shown only now.
   *[other] Open the address on the device and enter the code within { $shown } minutes. It is shown only now.
 }
warden-exists = A device of this name is enrolled. End it first, or choose another name.
warden-full = There are as many devices as a box takes. End one that is not used.

code-where = Open
code-picture = QR code: the address with the code
one-time-code = Code

nav-own = My punches
own-door-lead = See your own punches and your month, and ask for a correction.
own-number = Number at the terminals
own-pin = PIN for this page
own-first = The first time, or PIN forgotten
own-first-lead = HR gives you a code; with it you choose a PIN.
own-door-wrong = Number and PIN do not fit. Try again, or ask HR for a new code.
own-code-wrong = This code does not fit, was used already, or is over. Ask HR for a new one.
own-pin-title = Choose a PIN
own-pin-again = The same PIN again
own-pin-digits = 6 to 12 digits.
own-pin-not-terminal = Not the PIN that you use at a terminal.
own-pin-plain = This PIN is too easy to guess: no rows, no repeats, not your number.
own-pin-differs = The two are not the same. Nothing was changed; enter them again.
own-today = Today
own-lead = Open a day to see each punch, what became of it, and to ask for a correction.
own-empty-next = If you were here, ask for a correction below.
own-ask-hint = What was recorded stays as it is. HR decides, and you see here what they said.
own-asked = Corrections asked for
own-too-many = Too many of your corrections wait for an answer. Talk to HR; nothing was changed.
own-nobody = This account is not joined to anybody in the directory.
own-nobody-next = Ask an administrator: “muster user add” takes the person’s number. Or come by a code from HR, at /own/login.
own-access-by = Access to this page: { $name }, { $time }. If that was not for you, tell HR.
kiosk-lead = This page signs out by itself.
kiosk-warning = Signing out, unless you touch the page, in seconds:

tab-access = Employees’ access
access-title = Employees’ access
access-lead = An employee sees their own punches and month, and nobody else’s.
access-count = { $n ->
    [0] Nobody has it yet.
    [one] One person has it.
   *[other] { $shown } people have it.
 }
access-give = Hand out a code
access-give-button = Make a code
access-end-button = End access
access-hint = An older code or PIN of theirs is void at once. You will not decide on corrections asked for through a code of yours: another does.
access-made-lead = { $n ->
    [one] Give it to them in person: it works once, for one day. It is shown only now.
   *[other] Give it to them in person: it works once, for { $shown } days. It is shown only now.
 }
access-none = This person has no access. Nothing was changed.
access-full = As many people have access as a box takes. End that of people who left.
correction-by-self = themself (code by { $name })
