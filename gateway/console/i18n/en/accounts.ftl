## Second factor, accounts, forms that come back.

waived = Demonstration: people here log in without a second factor. Never keep real data in it.

code-title = Second factor
code-lead = Enter the six digits that your authenticator app shows for this box. A recovery code does too.
code-label = Code
code-clock = The box’s clock says { $time }. If codes never fit, compare it with your phone’s.
code-wrong = This code does not fit, or was used already. Wait for the next one and try again.
code-too-many = Too many tries. Wait fifteen minutes; nothing was changed.

factor-title = Set up your second factor
factor-lead = Your account may change things, so a password alone does not open it.
factor-scan = Scan this picture with an authenticator app on your phone.
factor-picture = QR code for your authenticator app
factor-type = Or type this key into the app:
factor-confirm = Enter the six digits that the app shows now.
factor-button = Go on

recovery-title = Keep your recovery codes
recovery-lead = Each opens your account once when your phone is lost. They are shown only now: print them, or write them down, and keep them where you keep keys.
recovery-on = I have kept them

again-title = One more step
again-code = What you are about to do needs your second factor. Enter the code of your authenticator app; nothing has been changed yet.
again-send = You have logged in anew since that page was made. Nothing was changed and what you typed is kept: send it again if you still want it.
again-log-in = Your session is over. Nothing was changed and what you typed is kept: log in beside this page, then send it again.
again-log-in-link = Log in (a new tab)
again-button = Send

own-title = Your account
own-person = In the directory:
own-new = This account is less than a day old: it cannot approve yet what another asked for.
own-password = Change your password
own-current = Password now
own-password-button = Change it
own-wrong = The password that you have now is not right. Nothing was changed.
own-recovery = Recovery codes
own-recovery-left = { $n ->
    [one] One recovery code is left.
   *[other] { $shown } recovery codes are left.
 }
own-recovery-button = Make new ones

nav-accounts = Accounts
accounts-lead = Who may log in, and what they may do.
col-roles = Roles
col-departments = Departments
col-change = Change
departments-all = All
departments-rule = For HR: one a line, as the directory writes them. Empty is all.
account-active = active
account-new = has not logged in yet
account-disabled = disabled
account-factor = second factor
account-disable = Disable
account-enable = Enable
account-code = New one-time code
account-add = Add an account
account-add-button = Add
account-made = One-time code
account-made-lead = Give it to { $name } in person: it opens the account once, to choose a password. It is shown only now.
account-name-rule = 1 to 64 characters: letters, digits, dot, hyphen, underscore.
account-exists = There is an account of this name. Choose another.
account-no-role = Choose a role: without one an account opens nothing.
account-too-much = Too long, or too many accounts. Nothing was changed.
account-two-people = Once a policy has been published, two people decide on this. At the box: “muster user add” or “muster user reset” with “--key”, then the other “muster approve”. Nothing was changed.

role-facilities = facilities
role-hr = HR
role-employee = employee
role-it-admin = administrator
role-security = security
role-dpo = data protection officer
role-dpo-deputy = deputy of the data protection officer
role-works-council = works council
role-auditor = auditor

again-file = Choose the file again: no page can keep it
