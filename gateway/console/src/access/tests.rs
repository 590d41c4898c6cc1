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
    (Route::PairState, "100010000"),
    (Route::Card, "100010000"),
    (Route::TerminalRevoke, "100010000"),
    (Route::TerminalAgain, "100100000"),
    (Route::Enrolment, "100000000"),
    (Route::EnrolmentAsk, "100000000"),
    (Route::Doctor, "100110000"),
    (Route::DoctorExamine, "100110000"),
    (Route::Flows, "000101101"),
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
    (Route::RightAsk, "000001100"),
    (Route::RightAnswer, "000001100"),
    (Route::PersonCorrect, "000001100"),
    (Route::PersonTake, "000001100"),
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
    (Route::ApiDay, "010001101"),
    (Route::ApiExceptions, "010001101"),
    (Route::ApiPersonMonth, "010001101"),
    (Route::ApiPersonDay, "010001101"),
    (Route::ApiClosings, "010001101"),
    (Route::ApiRecords, "010001100"),
    (Route::ApiCorrections, "010001101"),
    (Route::ApiToday, "010001101"),
    (Route::ApiBoard, "010001101"),
    (Route::ApiSearch, "010001101"),
    (Route::ApiOnSite, "110011100"),
    (Route::ApiHeld, "110111101"),
    (Route::ApiHeldRecords, "010001101"),
    (Route::ApiUnknown, "110000000"),
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
    Route::PersonCorrect,
    Route::PersonTake,
    Route::Pair,
    Route::Card,
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
    let source = include_str!("../routes.rs");
    assert_eq!(source.matches(".route(").count(), 1, "routes come from Route::ALL alone");
}
