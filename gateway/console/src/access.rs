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
    TerminalRevoke POST "/terminals/revoke" Fresh(PAIRING);
    TerminalAgain POST "/terminals/again" Any(TERMINAL_CHANGES);
    Enrolment GET "/enrolment" Any(ENROLMENT);
    EnrolmentAsk POST "/enrolment" Any(ENROLMENT);
    Doctor GET "/doctor" Any(DOCTOR);
    DoctorExamine POST "/doctor" Any(DOCTOR);
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
    ApiToday GET "/api/v1/today" Any(PEOPLE);
    ApiOnSite GET "/api/v1/onsite" Any(ON_SITE);
    ApiHeld GET "/api/v1/held" Any(WAITING);
    ApiDevices GET "/api/v1/devices" Any(TERMINALS);
    ApiStatus GET "/api/v1/status" Any(HEALTH);
}

impl Route {
    /// Bytes of its form: more where a table, a document or a policy comes in.
    pub(crate) fn max_body(self) -> usize {
        match self {
            Self::PlanImport | Self::PaperFile => 8 << 20,
            Self::DraftMake => 512 << 10,
            _ => 16 << 10,
        }
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
mod tests {
    use super::*;

    const ROLES: [Role; 9] =
        [Facilities, Hr, Employee, ItAdmin, Security, Dpo, DpoDeputy, WorksCouncil, Auditor];

    /// The whole table, written a second time: columns as in [`ROLES`].
    const EXPECT: &[(Route, &str)] = &[
        (Route::Home, "111111111"),
        (Route::OwnAccount, "111111111"),
        (Route::OwnPassword, "111111111"),
        (Route::OwnRecovery, "111111111"),
        (Route::Accounts, "000101101"),
        (Route::AccountAdd, "000100000"),
        (Route::AccountSwitch, "000100000"),
        (Route::AccountCode, "000100000"),
        (Route::Today, "010001101"),
        (Route::TodaySearch, "010001101"),
        (Route::TodayLive, "010001101"),
        (Route::PersonDay, "010001101"),
        (Route::PersonMonth, "010001101"),
        (Route::Sheets, "010001101"),
        (Route::SheetDay, "010001101"),
        (Route::Exceptions, "010001101"),
        (Route::SheetFile, "010000000"),
        (Route::SheetClose, "010000000"),
        (Route::Corrections, "010001101"),
        (Route::CorrectionAsk, "010000000"),
        (Route::CorrectionDecide, "010000000"),
        (Route::Plans, "010000000"),
        (Route::PlanImport, "010000000"),
        (Route::PlanRemove, "010000000"),
        (Route::OnSite, "110011100"),
        (Route::Wardens, "100110000"),
        (Route::WardenInvite, "100110000"),
        (Route::WardenEnd, "100110000"),
        (Route::WardenList, "000000000"),
        (Route::WardenSafe, "000000000"),
        (Route::EmployeePinPage, "000000000"),
        (Route::EmployeePin, "000000000"),
        (Route::Employee, "001000000"),
        (Route::EmployeeMonth, "001000000"),
        (Route::EmployeeDay, "001000000"),
        (Route::EmployeeAsk, "001000000"),
        (Route::EmployeeStay, "001000000"),
        (Route::EmployeeOut, "001000000"),
        (Route::EmployeeAccess, "010000000"),
        (Route::EmployeeAccessGive, "010000000"),
        (Route::EmployeeAccessEnd, "010000000"),
        (Route::Unknown, "110000000"),
        (Route::UnknownMap, "110000000"),
        (Route::TerminalGap, "100100000"),
        (Route::TerminalRedate, "100100000"),
        (Route::Terminals, "100111101"),
        (Route::PairPage, "100010000"),
        (Route::Pair, "100010000"),
        (Route::TerminalRevoke, "100010000"),
        (Route::TerminalAgain, "100100000"),
        (Route::Enrolment, "100000000"),
        (Route::EnrolmentAsk, "100000000"),
        (Route::Doctor, "100110000"),
        (Route::DoctorExamine, "100110000"),
        (Route::Waiting, "110111101"),
        (Route::WaitingReason, "010001101"),
        (Route::Explain, "010001101"),
        (Route::Health, "110111101"),
        (Route::Reports, "000101101"),
        (Route::Report, "000101101"),
        (Route::ReportFile, "000101100"),
        (Route::Governance, "000111111"),
        (Route::Stop, "000111100"),
        (Route::Papers, "000111111"),
        (Route::PaperFile, "000111100"),
        (Route::Remedies, "000111111"),
        (Route::DraftMake, "000111100"),
        (Route::DraftSign, "000111110"),
        (Route::DraftDrop, "000111100"),
        (Route::Draft, "000111111"),
        (Route::DraftFile, "000111110"),
        (Route::Approvals, "000111111"),
        (Route::Approve, "000111110"),
        (Route::Rights, "000001101"),
        (Route::Restrict, "000001100"),
        (Route::Erase, "000001100"),
        (Route::Packs, "000001101"),
        (Route::PackAsk, "000000001"),
        (Route::PackRelease, "000001100"),
        (Route::PackFile, "000000001"),
        (Route::Journal, "000111101"),
        (Route::JournalLook, "000111101"),
        (Route::JournalVerify, "000111101"),
        (Route::ApiDescription, "111111111"),
        (Route::ApiSheets, "010001101"),
        (Route::ApiToday, "010001101"),
        (Route::ApiOnSite, "110011100"),
        (Route::ApiHeld, "110111101"),
        (Route::ApiDevices, "100111101"),
        (Route::ApiStatus, "110111101"),
    ];

    const OPEN: &[Route] = &[
        Route::Asset,
        Route::LoginPage,
        Route::Login,
        Route::Language,
        Route::WardenDoor,
        Route::WardenEnrol,
        Route::WardenWorker,
        Route::EmployeeDoor,
        Route::EmployeeLogin,
        Route::EmployeeCode,
    ];
    /// Who is let in without an account, each with all that is theirs beside [`OPEN`].
    const GUESTS: &[(Guest, &[Route])] = &[
        (Guest::Warden, &[Route::WardenList, Route::WardenSafe]),
        (Guest::Choosing, &[Route::EmployeePinPage, Route::EmployeePin]),
        (
            Guest::Employee,
            &[
                Route::Employee,
                Route::EmployeeMonth,
                Route::EmployeeDay,
                Route::EmployeeAsk,
                Route::EmployeeStay,
                Route::EmployeeOut,
            ],
        ),
    ];
    /// Routes of the way in, each for its stage.
    const ON_THE_WAY: [(Route, Stage); 6] = [
        (Route::WelcomePage, Stage::Enrolling),
        (Route::Welcome, Stage::Enrolling),
        (Route::CodePage, Stage::Code),
        (Route::Code, Stage::Code),
        (Route::FactorPage, Stage::Pairing),
        (Route::Factor, Stage::Pairing),
    ];
    /// Routes that take a second factor shown just now: whatever signs, approves or erases, and
    /// what gives somebody rights.
    const FRESH: &[Route] = &[
        Route::OwnRecovery,
        Route::AccountAdd,
        Route::AccountSwitch,
        Route::AccountCode,
        Route::SheetFile,
        Route::SheetClose,
        Route::CorrectionDecide,
        Route::TerminalGap,
        Route::Stop,
        Route::Approve,
        Route::DraftSign,
        Route::Restrict,
        Route::Erase,
        Route::PackRelease,
        Route::TerminalRedate,
        Route::Pair,
        Route::TerminalRevoke,
        Route::WardenInvite,
        Route::WardenEnd,
        Route::EmployeeAccessGive,
        Route::EmployeeAccessEnd,
    ];

    #[test]
    fn guests_see_what_is_theirs_and_nothing_else() {
        for route in Route::ALL {
            for (guest, theirs) in GUESTS {
                let expect = theirs.contains(route) || OPEN.contains(route);
                assert_eq!(route.admits_guest(*guest), expect, "{route:?} {guest:?}");
            }
            let someones = GUESTS.iter().any(|(_, theirs)| theirs.contains(route));
            assert_eq!(route.is_for_guests(), someones, "{route:?}");
        }
    }

    #[test]
    fn every_role_sees_its_routes_and_no_others() {
        for (route, expect) in EXPECT {
            let seen = ROLES.map(|role| route.admits(Some((Stage::Member, &[role]))));
            let seen: String = seen.iter().map(|&yes| if yes { '1' } else { '0' }).collect();
            assert_eq!(&seen, expect, "{route:?}");
        }
    }

    #[test]
    fn every_route_is_in_one_list() {
        for route in Route::ALL {
            let lists = [
                EXPECT.iter().any(|(r, _)| r == route),
                OPEN.contains(route),
                ON_THE_WAY.iter().any(|(r, _)| r == route),
                *route == Route::Logout,
            ];
            assert_eq!(lists.iter().filter(|&&listed| listed).count(), 1, "{route:?}");
            assert_eq!(route.is_fresh(), FRESH.contains(route), "{route:?}");
        }
    }

    #[test]
    fn strangers_see_only_what_is_open() {
        for route in Route::ALL {
            assert_eq!(route.admits(None), OPEN.contains(route), "{route:?}");
        }
    }

    #[test]
    fn nobody_half_way_in_opens_anything_but_the_next_step() {
        let stages = [Stage::Enrolling, Stage::Code, Stage::Pairing];
        for (route, roles) in EXPECT {
            let anyone = matches!(route.row().2, Access::Member);
            assert_eq!(route.admits(Some((Stage::Member, &[]))), anyone, "{route:?} {roles}");
            for stage in stages {
                assert!(!route.admits(Some((stage, &ROLES))), "{route:?} {stage:?}");
            }
        }
        for (route, needed) in ON_THE_WAY {
            for stage in stages {
                assert_eq!(route.admits(Some((stage, &[]))), stage == needed, "{route:?}");
            }
            assert!(!route.admits(Some((Stage::Member, &ROLES))));
        }
    }

    #[test]
    fn routes_are_made_only_from_the_table() {
        let source = include_str!("routes.rs");
        assert_eq!(source.matches(".route(").count(), 1, "routes come from Route::ALL alone");
    }
}
