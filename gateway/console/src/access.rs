//! Who may open what: one table, deny by default.
//!
//! A route exists only as a [`Route`]; the router is built from [`Route::ALL`] and from nothing
//! else, so none can be without a row here. To those who may not, a route looks as if it were not
//! there.

use crate::session::Stage;
use Role::*;
use axum::http::Method;
use muster_ledger::Role;

/// Every route of the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Route {
    Asset,
    LoginPage,
    Login,
    Language,
    Logout,
    WelcomePage,
    Welcome,
    Home,
    Today,
    TodaySearch,
    TodayLive,
    PersonDay,
    Terminals,
    Waiting,
    WaitingReason,
    Explain,
    Health,
    Reports,
    Report,
    ReportFile,
    ApiToday,
    ApiHeld,
    ApiDevices,
    ApiStatus,
}

/// Who a route is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    /// Anybody who can reach the box.
    Anyone,
    /// Anybody logged in, whatever the stage.
    LoggedIn,
    /// Whoever used a one-time code and owes a password.
    Enrolling,
    /// Any account with a password.
    Member,
    /// An account that holds one of these roles.
    Any(&'static [Role]),
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

impl Route {
    pub(crate) const ALL: [Self; 24] = [
        Self::Asset,
        Self::LoginPage,
        Self::Login,
        Self::Language,
        Self::Logout,
        Self::WelcomePage,
        Self::Welcome,
        Self::Home,
        Self::Today,
        Self::TodaySearch,
        Self::TodayLive,
        Self::PersonDay,
        Self::Terminals,
        Self::Waiting,
        Self::WaitingReason,
        Self::Explain,
        Self::Health,
        Self::Reports,
        Self::Report,
        Self::ReportFile,
        Self::ApiToday,
        Self::ApiHeld,
        Self::ApiDevices,
        Self::ApiStatus,
    ];

    /// Method, path pattern and who may: the table.
    pub(crate) fn row(self) -> (Method, &'static str, Access) {
        use Access::*;
        const GET: Method = Method::GET;
        const POST: Method = Method::POST;
        match self {
            Self::Asset => (GET, "/assets/{name}", Anyone),
            Self::LoginPage => (GET, "/login", Anyone),
            Self::Login => (POST, "/login", Anyone),
            Self::Language => (POST, "/language", Anyone),
            Self::Logout => (POST, "/logout", LoggedIn),
            Self::WelcomePage => (GET, "/welcome", Enrolling),
            Self::Welcome => (POST, "/welcome", Enrolling),
            Self::Home => (GET, "/", Member),
            Self::Today => (GET, "/today", Any(PEOPLE)),
            Self::TodaySearch => (POST, "/today/search", Any(PEOPLE)),
            Self::TodayLive => (GET, "/today/live", Any(PEOPLE)),
            Self::PersonDay => (GET, "/people/{person}/{date}", Any(PEOPLE)),
            Self::Terminals => (GET, "/terminals", Any(TERMINALS)),
            Self::Waiting => (GET, "/waiting", Any(WAITING)),
            Self::WaitingReason => (GET, "/waiting/{reason}", Any(PEOPLE)),
            Self::Explain => (GET, "/records/{record}", Any(PEOPLE)),
            Self::Health => (GET, "/health", Any(HEALTH)),
            Self::Reports => (GET, "/reports", Any(REPORTS)),
            Self::Report => (GET, "/reports/{kind}", Any(REPORTS)),
            Self::ReportFile => (GET, "/reports/{kind}/{form}", Any(REPORT_FILES)),
            Self::ApiToday => (GET, "/api/v1/today", Any(PEOPLE)),
            Self::ApiHeld => (GET, "/api/v1/held", Any(WAITING)),
            Self::ApiDevices => (GET, "/api/v1/devices", Any(TERMINALS)),
            Self::ApiStatus => (GET, "/api/v1/status", Any(HEALTH)),
        }
    }

    /// Whether somebody may: `None` is nobody logged in.
    pub(crate) fn admits(self, seat: Option<(Stage, &[Role])>) -> bool {
        match (self.row().2, seat) {
            (Access::Anyone, _) => true,
            (_, None) => false,
            (Access::LoggedIn, Some(_)) => true,
            (Access::Enrolling, Some((stage, _))) => stage == Stage::Enrolling,
            (Access::Member, Some((stage, _))) => stage == Stage::Member,
            (Access::Any(roles), Some((stage, held))) => {
                stage == Stage::Member && held.iter().any(|role| roles.contains(role))
            }
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
        (Route::Today, "010001101"),
        (Route::TodaySearch, "010001101"),
        (Route::TodayLive, "010001101"),
        (Route::PersonDay, "010001101"),
        (Route::Terminals, "100111101"),
        (Route::Waiting, "110111101"),
        (Route::WaitingReason, "010001101"),
        (Route::Explain, "010001101"),
        (Route::Health, "110111101"),
        (Route::Reports, "000101101"),
        (Route::Report, "000101101"),
        (Route::ReportFile, "000101100"),
        (Route::ApiToday, "010001101"),
        (Route::ApiHeld, "110111101"),
        (Route::ApiDevices, "100111101"),
        (Route::ApiStatus, "110111101"),
    ];

    const OPEN: [Route; 4] = [Route::Asset, Route::LoginPage, Route::Login, Route::Language];
    const ENROLLING: [Route; 2] = [Route::WelcomePage, Route::Welcome];

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
                EXPECT.iter().any(|(r, _)| *r == route),
                OPEN.contains(&route),
                ENROLLING.contains(&route),
                route == Route::Logout,
            ];
            assert_eq!(lists.iter().filter(|&&listed| listed).count(), 1, "{route:?}");
        }
        let last = Route::ALL.map(|route| route as usize).into_iter().max();
        assert_eq!(last, Some(Route::ALL.len() - 1), "a route is missing from ALL");
        assert_eq!(Route::ApiStatus as usize, Route::ALL.len() - 1, "a route was added below");
    }

    #[test]
    fn strangers_see_only_what_is_open() {
        for route in Route::ALL {
            assert_eq!(route.admits(None), OPEN.contains(&route), "{route:?}");
        }
    }

    #[test]
    fn no_role_and_no_password_open_nothing() {
        for (route, _) in EXPECT {
            assert_eq!(route.admits(Some((Stage::Member, &[]))), *route == Route::Home);
            assert!(!route.admits(Some((Stage::Enrolling, &ROLES))), "{route:?}");
        }
        for route in ENROLLING {
            assert!(route.admits(Some((Stage::Enrolling, &[]))));
            assert!(!route.admits(Some((Stage::Member, &ROLES))));
        }
    }

    #[test]
    fn routes_are_made_only_from_the_table() {
        let source = include_str!("routes.rs");
        assert_eq!(source.matches(".route(").count(), 1, "routes come from Route::ALL alone");
    }
}
