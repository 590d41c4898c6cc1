//! Routes to what answers them.

use crate::access::Route;
use crate::api;
use crate::app::Shared;
use crate::assets;
use crate::guard::{Problem, frame, guard};
use crate::live;
use crate::pages::{
    accounts, card, corrections, day, doctor, employee, enrolment, entrance, explain, factor,
    flows, governance, health, journal, own, pairing, plans, reports, sheet, terminals, today,
    unknown, waiting, warden,
};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any, get, post};

/// Every route behind its guard.
pub(crate) fn routes(app: Shared) -> Router {
    let mut router = Router::new();
    for &route in Route::ALL {
        let guarded = from_fn_with_state((app.clone(), Some(route)), guard);
        let bounded = DefaultBodyLimit::max(route.max_body());
        let handler = handler(route).route_layer(guarded).route_layer(bounded);
        router = router.route(route.row().1, handler);
    }
    let missing = missing.layer(from_fn_with_state((app.clone(), None), guard));
    router
        .method_not_allowed_fallback(missing.clone())
        .fallback(missing)
        .layer(from_fn_with_state(app.clone(), frame))
        .with_state(app)
}

/// What answers a route; a test holds that every one is answered.
fn handler(route: Route) -> MethodRouter<Shared> {
    let found = ways_in(route)
        .or_else(|| work(route))
        .or_else(|| governing(route))
        .or_else(|| guests(route))
        .or_else(|| programs(route));
    found.unwrap_or_else(|| any(missing))
}

/// In, out, one's own account, and those of others.
fn ways_in(route: Route) -> Option<MethodRouter<Shared>> {
    Some(match route {
        Route::Asset => get(assets::asset),
        Route::LoginPage => get(entrance::login_page),
        Route::Login => post(entrance::login),
        Route::Language => post(entrance::language),
        Route::Logout => post(entrance::logout),
        Route::WelcomePage => get(entrance::welcome_page),
        Route::Welcome => post(entrance::welcome),
        Route::CodePage => get(factor::code_page),
        Route::Code => post(factor::code),
        Route::FactorPage => get(factor::page),
        Route::Factor => post(factor::pair),
        Route::Home => get(entrance::home),
        Route::OwnAccount => get(own::page),
        Route::OwnPassword => post(own::password),
        Route::OwnRecovery => post(own::recovery),
        Route::Accounts => get(accounts::page),
        Route::AccountAdd => post(accounts::add),
        Route::AccountSwitch => post(accounts::switch),
        Route::AccountCode => post(accounts::code),
        _ => return None,
    })
}

/// What HR and facilities work with.
fn work(route: Route) -> Option<MethodRouter<Shared>> {
    Some(match route {
        Route::Today => get(today::page),
        Route::TodaySearch => post(today::search),
        Route::TodayLive => get(live::stream),
        Route::PersonDay => get(day::page),
        Route::PersonMonth => get(sheet::person::page),
        Route::Sheets => get(sheet::matrix::page),
        Route::SheetDay => get(sheet::day::page),
        Route::Exceptions => get(sheet::exceptions::page),
        Route::SheetFile => post(sheet::file::take),
        Route::SheetClose => post(sheet::close::close),
        Route::Corrections => get(corrections::page),
        Route::CorrectionAsk => post(corrections::ask),
        Route::CorrectionDecide => post(corrections::decide),
        Route::Plans => get(plans::page),
        Route::PlanImport => post(plans::import),
        Route::PlanRemove => post(plans::remove),
        Route::OnSite => get(warden::page),
        Route::Unknown => get(unknown::page),
        Route::UnknownMap => post(unknown::map),
        Route::TerminalGap => post(terminals::accept_gap),
        Route::TerminalRedate => post(terminals::redate),
        Route::Terminals => get(terminals::page),
        Route::PairPage => get(pairing::page),
        Route::Pair => post(pairing::pair),
        Route::PairState => get(pairing::state),
        Route::Card => post(card::make),
        Route::TerminalRevoke => post(pairing::revoke),
        Route::TerminalAgain => post(terminals::again),
        Route::Enrolment => get(enrolment::page),
        Route::EnrolmentAsk => post(enrolment::ask),
        Route::Doctor => get(doctor::page),
        Route::DoctorExamine => post(doctor::examine),
        Route::Flows => get(flows::page),
        Route::Waiting => get(waiting::page),
        Route::WaitingReason => get(waiting::reason),
        Route::Explain => get(explain::page),
        Route::Health => get(health::page),
        _ => return None,
    })
}

/// Reports, and what the administrator, the officer and the auditor look after.
fn governing(route: Route) -> Option<MethodRouter<Shared>> {
    Some(match route {
        Route::Reports => get(reports::list),
        Route::Report => get(reports::page),
        Route::ReportFile => get(reports::file),
        Route::Governance => get(governance::overview::page),
        Route::Stop => post(governance::overview::stop),
        Route::Papers => get(governance::papers::page),
        Route::PaperFile => post(governance::papers::file),
        Route::Remedies => get(governance::remedies::page),
        Route::DraftMake => post(governance::remedies::draft),
        Route::DraftSign => post(governance::drafts::sign),
        Route::DraftDrop => post(governance::drafts::put_away),
        Route::Draft => get(governance::drafts::page),
        Route::DraftFile => get(governance::drafts::file),
        Route::Approvals => get(governance::approvals::page),
        Route::Approve => post(governance::approvals::approve),
        Route::Rights => get(governance::rights::page),
        Route::RightAsk => post(governance::requests::ask),
        Route::RightAnswer => post(governance::requests::answer),
        Route::PersonCorrect => post(governance::requests::correct),
        Route::PersonTake => post(governance::requests::take),
        Route::Restrict => post(governance::rights::restrict),
        Route::Erase => post(governance::rights::erase),
        Route::Packs => get(governance::packs::page),
        Route::PackAsk => post(governance::packs::ask),
        Route::PackRelease => post(governance::packs::release),
        Route::PackFile => get(governance::packs::file),
        Route::Journal => get(journal::page),
        Route::JournalLook => post(journal::look),
        Route::JournalVerify => post(journal::verify),
        _ => return None,
    })
}

/// For those without an account, and for who lets them in.
fn guests(route: Route) -> Option<MethodRouter<Shared>> {
    Some(match route {
        Route::Wardens => get(warden::devices::page),
        Route::WardenInvite => post(warden::devices::invite),
        Route::WardenEnd => post(warden::devices::end),
        Route::WardenDoor => get(warden::door::page),
        Route::WardenEnrol => post(warden::door::enrol),
        Route::WardenWorker => get(warden::door::worker),
        Route::WardenList => get(warden::list),
        Route::WardenSafe => post(warden::safe),
        Route::EmployeeDoor => get(employee::door::page),
        Route::EmployeeLogin => post(employee::door::log_in),
        Route::EmployeeCode => post(employee::door::code),
        Route::EmployeePinPage => get(employee::door::pin_page),
        Route::EmployeePin => post(employee::door::pin),
        Route::Employee => get(employee::this_month),
        Route::EmployeeMonth => get(employee::month),
        Route::EmployeeDay => get(employee::day::page),
        Route::EmployeeAsk => post(employee::day::ask),
        Route::EmployeeStay => post(employee::stay),
        Route::EmployeeOut => post(employee::out),
        Route::EmployeeAccess => get(employee::access::page),
        Route::EmployeeAccessGive => post(employee::access::give),
        Route::EmployeeAccessEnd => post(employee::access::end),
        _ => return None,
    })
}

/// For programs.
fn programs(route: Route) -> Option<MethodRouter<Shared>> {
    Some(match route {
        Route::ApiDescription => get(api::description),
        Route::ApiSheets => get(api::sheets::month),
        Route::ApiDay => get(api::sheets::day),
        Route::ApiExceptions => get(api::sheets::exceptions),
        Route::ApiPersonMonth => get(api::sheets::person),
        Route::ApiPersonDay => get(api::records::day),
        Route::ApiClosings => get(api::sheets::closings),
        Route::ApiRecords => get(api::records::records),
        Route::ApiCorrections => get(api::records::corrections),
        Route::ApiToday => get(api::board::today),
        Route::ApiBoard => get(api::board::people),
        Route::ApiSearch => post(api::board::search),
        Route::ApiOnSite => get(warden::api),
        Route::ApiHeld => get(api::status::held),
        Route::ApiHeldRecords => get(api::records::held),
        Route::ApiUnknown => get(api::status::unknown),
        Route::ApiDevices => get(api::status::devices),
        Route::ApiStatus => get(api::status::status),
        _ => return None,
    })
}

async fn missing() -> Problem {
    Problem::Missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_answered_in_one_place() {
        for &route in Route::ALL {
            let found = [ways_in, work, governing, guests, programs];
            let found = found.iter().filter(|room| room(route).is_some()).count();
            assert_eq!(found, 1, "{route:?}");
        }
    }
}
