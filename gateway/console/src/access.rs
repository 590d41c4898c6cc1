//! Who may open what: one table, deny by default.
//!
//! A route exists only as a [`Route`]; the router is built from [`Route::ALL`] and from nothing
//! else, so none can be without a row here. To those who may not, a route looks as if it were not
//! there.

use crate::session::Stage;
use Role::*;
use axum::http::Method;
use muster_ledger::Role;

/// Who a route is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    /// Anybody who can reach the box.
    Anyone,
    /// Anybody logged in, whatever the stage.
    LoggedIn,
    /// Whoever is on the way in, at this stage.
    At(Stage),
    /// Any account that is in.
    Member,
    /// An account that holds one of these roles.
    Any(&'static [Role]),
    /// The same, and its second factor was shown within the last minutes: [`Seat::stepped_up`].
    ///
    /// [`Seat::stepped_up`]: crate::guard::Seat::stepped_up
    Fresh(&'static [Role]),
    /// A warden's device that is enrolled.
    Warden,
    /// An employee who came by a code and owes a PIN.
    Choosing,
    /// An employee, at their own punches: by PIN, or by an account of that role.
    Own,
}

/// Somebody who is let in without an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Guest {
    Warden,
    Choosing,
    Employee,
}

/// Who sees people's punches.
const PEOPLE: &[Role] = &[Hr, Dpo, DpoDeputy, Auditor];
/// Who reads everybody's records at once: auditors take away only what was released to them.
const RECORDS: &[Role] = &[Hr, Dpo, DpoDeputy];
/// Who sees terminals.
const TERMINALS: &[Role] = &[Facilities, ItAdmin, Security, Dpo, DpoDeputy, Auditor];
/// Who sees how much waits, and why: counts alone.
const WAITING: &[Role] = &[Facilities, Hr, ItAdmin, Security, Dpo, DpoDeputy, Auditor];
/// Who sees how the box is.
const HEALTH: &[Role] = &[Facilities, Hr, ItAdmin, Security, Dpo, DpoDeputy, Auditor];
/// Who reads reports: figures, nobody named.
const REPORTS: &[Role] = &[ItAdmin, Dpo, DpoDeputy, Auditor];
/// Who takes them away as files: auditors take away only what was released to them.
const REPORT_FILES: &[Role] = &[ItAdmin, Dpo, DpoDeputy];
/// Who sees accounts.
const ACCOUNTS: &[Role] = &[ItAdmin, Dpo, DpoDeputy, Auditor];
/// Who makes and disables them.
const ACCOUNT_CHANGES: &[Role] = &[ItAdmin];

/// Who enters plans, corrects, closes and takes sheets away: of their own departments.
const OFFICE: &[Role] = &[Hr];
/// Who sees who is on site.
const ON_SITE: &[Role] = &[Hr, Facilities, Security, Dpo, DpoDeputy];
/// Who says whose an unknown number is.
const NUMBERS: &[Role] = &[Hr, Facilities];
/// Who accepts that a terminal's punches are lost.
const TERMINAL_CHANGES: &[Role] = &[Facilities, ItAdmin];
/// Who pairs terminals and shuts them out.
const PAIRING: &[Role] = &[Facilities, Security];
/// Who enrols people at terminals.
const ENROLMENT: &[Role] = &[Facilities];
/// Who has the box look at itself.
const DOCTOR: &[Role] = &[Facilities, ItAdmin, Security];
/// Who reads the policy's life, legal evidence and approvals.
const GOVERNANCE: &[Role] = &[ItAdmin, Security, Dpo, DpoDeputy, WorksCouncil, Auditor];
/// Who may sign, and so approve.
const SIGNERS: &[Role] = &[ItAdmin, Security, Dpo, DpoDeputy, WorksCouncil];
/// Who stops everything that leaves.
const STOPPERS: &[Role] = &[ItAdmin, Security, Dpo, DpoDeputy];
/// Who drafts policies and files papers: others sign.
const PROPOSERS: &[Role] = &[ItAdmin, Security, Dpo, DpoDeputy];
/// Who sees what a person may ask for.
const RIGHTS: &[Role] = &[Dpo, DpoDeputy, Auditor];
/// Who acts on it, and releases packs.
const OFFICERS: &[Role] = &[Dpo, DpoDeputy];
/// Who sees packs, and who asks for them and takes them away.
const PACKS: &[Role] = &[Dpo, DpoDeputy, Auditor];
/// Who reads the journal's acts, and checks it.
const JOURNAL: &[Role] = &[ItAdmin, Security, Dpo, DpoDeputy, Auditor];
const AUDITORS: &[Role] = &[Auditor];

/// Who enrols and ends wardens' devices.
const WARDENS: &[Role] = &[Facilities, ItAdmin, Security];
/// Who hands out codes to employees: whoever sees their punches anyway, so that nobody gains by it.
const ACCESS: &[Role] = &[Hr];

/// The table: name, method, path pattern and who may, a row a route.
macro_rules! routes {
    ($($route:ident $method:ident $path:literal $access:expr;)*) => {
        /// Every route of the page.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Route { $($route),* }

        impl Route {
            pub(crate) const ALL: &[Self] = &[$(Self::$route),*];

            /// Method, path pattern and who may.
            pub(crate) fn row(self) -> (Method, &'static str, Access) {
                use Access::*;
                match self { $(Self::$route => (Method::$method, $path, $access)),* }
            }
        }
    };
}

routes! {
    Asset GET "/assets/{name}" Anyone;
    LoginPage GET "/login" Anyone;
    Login POST "/login" Anyone;
    Language POST "/language" Anyone;
    Logout POST "/logout" LoggedIn;
    WelcomePage GET "/welcome" At(Stage::Enrolling);
    Welcome POST "/welcome" At(Stage::Enrolling);
    CodePage GET "/login/code" At(Stage::Code);
    Code POST "/login/code" At(Stage::Code);
    FactorPage GET "/welcome/factor" At(Stage::Pairing);
    Factor POST "/welcome/factor" At(Stage::Pairing);
    Home GET "/" Member;
    OwnAccount GET "/account" Member;
    OwnPassword POST "/account/password" Member;
    OwnRecovery POST "/account/recovery" Fresh(&Role::ALL);
    Accounts GET "/accounts" Any(ACCOUNTS);
    AccountAdd POST "/accounts" Fresh(ACCOUNT_CHANGES);
    AccountSwitch POST "/accounts/switch" Fresh(ACCOUNT_CHANGES);
    AccountCode POST "/accounts/code" Fresh(ACCOUNT_CHANGES);
    Today GET "/today" Any(PEOPLE);
    TodaySearch POST "/today/search" Any(PEOPLE);
    TodayLive GET "/today/live" Any(PEOPLE);
    PersonDay GET "/people/{person}/{date}" Any(PEOPLE);
    PersonMonth GET "/people/{person}/month/{month}" Any(PEOPLE);
    Sheets GET "/sheets" Any(PEOPLE);
    SheetDay GET "/sheets/day/{date}" Any(PEOPLE);
    Exceptions GET "/sheets/exceptions" Any(PEOPLE);
    SheetFile POST "/sheets/file" Fresh(OFFICE);
    SheetClose POST "/sheets/close" Fresh(OFFICE);
    Corrections GET "/corrections" Any(PEOPLE);
    CorrectionAsk POST "/corrections" Any(OFFICE);
    CorrectionDecide POST "/corrections/decide" Fresh(OFFICE);
    Plans GET "/plans" Any(OFFICE);
    PlanImport POST "/plans/{kind}" Any(OFFICE);
    PlanRemove POST "/plans/remove" Any(OFFICE);
    OnSite GET "/onsite" Any(ON_SITE);
    Wardens GET "/wardens" Any(WARDENS);
    WardenInvite POST "/wardens" Fresh(WARDENS);
    WardenEnd POST "/wardens/end" Fresh(WARDENS);
    WardenDoor GET "/warden/enrol" Anyone;
    WardenEnrol POST "/warden/enrol" Anyone;
    WardenWorker GET "/warden/worker.js" Anyone;
    WardenList GET "/warden" Warden;
    WardenSafe POST "/warden/safe" Warden;
    EmployeeDoor GET "/own/login" Anyone;
    EmployeeLogin POST "/own/login" Anyone;
    EmployeeCode POST "/own/code" Anyone;
    EmployeePinPage GET "/own/pin" Choosing;
    EmployeePin POST "/own/pin" Choosing;
    Employee GET "/own" Own;
    EmployeeMonth GET "/own/month/{month}" Own;
    EmployeeDay GET "/own/day/{date}" Own;
    EmployeeAsk POST "/own/ask" Own;
    EmployeeStay POST "/own/stay" Own;
    EmployeeOut POST "/own/out" Own;
    EmployeeAccess GET "/access" Any(ACCESS);
    EmployeeAccessGive POST "/access" Fresh(ACCESS);
    EmployeeAccessEnd POST "/access/end" Fresh(ACCESS);
    Unknown GET "/unknown" Any(NUMBERS);
    UnknownMap POST "/unknown" Any(NUMBERS);
    Terminals GET "/terminals" Any(TERMINALS);
    TerminalGap POST "/terminals/gap" Fresh(TERMINAL_CHANGES);
    TerminalRedate POST "/terminals/redate" Fresh(TERMINAL_CHANGES);
    PairPage GET "/terminals/pair" Any(PAIRING);
    Pair POST "/terminals/pair" Fresh(PAIRING);
    PairState GET "/terminals/pair/{name}/live" Any(PAIRING);
    Card POST "/terminals/card" Fresh(PAIRING);
    TerminalRevoke POST "/terminals/revoke" Fresh(PAIRING);
    TerminalAgain POST "/terminals/again" Any(TERMINAL_CHANGES);
    Enrolment GET "/enrolment" Any(ENROLMENT);
    EnrolmentAsk POST "/enrolment" Any(ENROLMENT);
    Doctor GET "/doctor" Any(DOCTOR);
    DoctorExamine POST "/doctor" Any(DOCTOR);
    Flows GET "/flows" Any(REPORTS);
    Waiting GET "/waiting" Any(WAITING);
    WaitingReason GET "/waiting/{reason}" Any(PEOPLE);
    Explain GET "/records/{record}" Any(PEOPLE);
    Health GET "/health" Any(HEALTH);
    Reports GET "/reports" Any(REPORTS);
    Report GET "/reports/{kind}" Any(REPORTS);
    ReportFile GET "/reports/{kind}/{form}" Any(REPORT_FILES);
    Governance GET "/governance" Any(GOVERNANCE);
    Stop POST "/governance/stop" Fresh(STOPPERS);
    Papers GET "/governance/papers" Any(GOVERNANCE);
    PaperFile POST "/governance/papers" Any(PROPOSERS);
    Remedies GET "/governance/remedies" Any(GOVERNANCE);
    DraftMake POST "/governance/drafts" Any(PROPOSERS);
    DraftSign POST "/governance/drafts/sign" Fresh(SIGNERS);
    DraftDrop POST "/governance/drafts/drop" Any(PROPOSERS);
    Draft GET "/governance/drafts/{draft}" Any(GOVERNANCE);
    DraftFile GET "/governance/drafts/{draft}/{file}" Any(SIGNERS);
    Approvals GET "/governance/approvals" Any(GOVERNANCE);
    Approve POST "/governance/approvals" Fresh(SIGNERS);
    Rights GET "/people/{person}/rights" Any(RIGHTS);
    RightAsk POST "/governance/rights" Any(OFFICERS);
    RightAnswer POST "/governance/rights/answer" Any(OFFICERS);
    PersonCorrect POST "/governance/correct" Fresh(OFFICERS);
    PersonTake POST "/governance/take" Fresh(OFFICERS);
    Restrict POST "/governance/restrict" Fresh(OFFICERS);
    Erase POST "/governance/erase" Fresh(OFFICERS);
    Packs GET "/governance/packs" Any(PACKS);
    PackAsk POST "/governance/packs" Any(AUDITORS);
    PackRelease POST "/governance/packs/release" Fresh(OFFICERS);
    PackFile GET "/governance/packs/{number}" Any(AUDITORS);
    Journal GET "/governance/journal" Any(JOURNAL);
    JournalLook POST "/governance/journal" Any(JOURNAL);
    JournalVerify POST "/governance/journal/verify" Any(JOURNAL);
    ApiDescription GET "/api/v1/openapi.json" Member;
    ApiSheets GET "/api/v1/sheets/{month}" Any(PEOPLE);
    ApiDay GET "/api/v1/days/{date}" Any(PEOPLE);
    ApiExceptions GET "/api/v1/exceptions/{month}" Any(PEOPLE);
    ApiPersonMonth GET "/api/v1/people/{person}/month/{month}" Any(PEOPLE);
    ApiPersonDay GET "/api/v1/people/{person}/{date}" Any(PEOPLE);
    ApiClosings GET "/api/v1/closings" Any(PEOPLE);
    ApiRecords GET "/api/v1/records" Any(RECORDS);
    ApiCorrections GET "/api/v1/corrections" Any(PEOPLE);
    ApiToday GET "/api/v1/today" Any(PEOPLE);
    ApiBoard GET "/api/v1/board" Any(PEOPLE);
    ApiSearch POST "/api/v1/search" Any(PEOPLE);
    ApiOnSite GET "/api/v1/onsite" Any(ON_SITE);
    ApiHeld GET "/api/v1/held" Any(WAITING);
    ApiHeldRecords GET "/api/v1/held/{reason}" Any(PEOPLE);
    ApiUnknown GET "/api/v1/unknown" Any(NUMBERS);
    ApiDevices GET "/api/v1/devices" Any(TERMINALS);
    ApiStatus GET "/api/v1/status" Any(HEALTH);
}

impl Route {
    /// Bytes of its form: more where a table, a document or a policy comes in.
    pub(crate) const fn max_body(self) -> usize {
        match self {
            Self::PlanImport | Self::PaperFile => 8 << 20,
            Self::DraftMake => 512 << 10,
            _ => 16 << 10,
        }
    }

    /// Whether it asks by a body of JSON, so that a name stands in no address, and changes nothing:
    /// no form, so without a form's token.
    pub(crate) fn is_question(self) -> bool {
        self == Self::ApiSearch
    }

    /// Whether it takes a second factor shown just now.
    pub(crate) fn is_fresh(self) -> bool {
        matches!(self.row().2, Access::Fresh(_))
    }

    /// Whether somebody may: `None` is nobody logged in.
    pub(crate) fn admits(self, seat: Option<(Stage, &[Role])>) -> bool {
        match (self.row().2, seat) {
            (Access::Anyone, _) => true,
            (_, None) | (Access::Warden | Access::Choosing, _) => false,
            (Access::Own, Some((stage, held))) => {
                stage == Stage::Member && held.contains(&Employee)
            }
            (Access::LoggedIn, Some(_)) => true,
            (Access::At(needed), Some((stage, _))) => stage == needed,
            (Access::Member, Some((stage, _))) => stage == Stage::Member,
            (Access::Any(roles) | Access::Fresh(roles), Some((stage, held))) => {
                stage == Stage::Member && held.iter().any(|role| roles.contains(role))
            }
        }
    }
}

impl Route {
    /// Whether it is one of those that guests come for.
    pub(crate) fn is_for_guests(self) -> bool {
        matches!(self.row().2, Access::Warden | Access::Choosing | Access::Own)
    }

    /// Whether somebody without an account may.
    pub(crate) fn admits_guest(self, guest: Guest) -> bool {
        match self.row().2 {
            Access::Warden => guest == Guest::Warden,
            Access::Choosing => guest == Guest::Choosing,
            Access::Own => guest == Guest::Employee,
            access => matches!(access, Access::Anyone),
        }
    }
}

#[cfg(test)]
mod tests;
