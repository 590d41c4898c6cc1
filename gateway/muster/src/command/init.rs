//! `muster init`: first set-up of a box. Makes keys, device CA, first administrator, the annotated
//! configuration and a policy template, dated and unsigned; running it twice harms nothing.

use crate::backup::recovery;
use crate::cli::InitArgs;
use crate::config::Config;
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::store;
use anyhow::{Context as _, Result, bail};
use muster_console::OneTimeCode;
use muster_intake::authority::Authority;
use muster_ledger::{Account, Ledger, Role, Signer};
use muster_residency::key::TrustedSigner;
use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};

const CONFIG: &str = include_str!("../../../../deploy/gateway.toml");
const LAW_PACK: &str = include_str!("../../../../deploy/lawpacks/apac-eu-2026.2.toml");
const POLICY: &str = include_str!("../../../../deploy/policy-template.toml");

/// The first administrator's login.
const ADMINISTRATOR: &str = "admin";
/// Policies run out after this many calendar months at most.
const POLICY_MONTHS: i64 = 6;
const LAWS: [&str; 7] = ["MO", "HK", "SG", "CN", "MY", "JP", "EU"];

/// What the set-up was told.
struct Answers {
    site: String,
    jurisdiction: String,
    time_zone: String,
    signers: Vec<Signer>,
}

pub(super) fn init(args: &InitArgs) -> Outcome {
    let answers = answers(args).map_err(|e| Failure::new(exit::USAGE, e))?;
    fs::create_dir_all(&args.dir).with_context(|| format!("cannot make {}", args.dir.display()))?;
    let dir = std::path::absolute(&args.dir)?;
    write_files(&dir, &answers)?;
    let config = Config::load(Some(&dir.join("gateway.toml"))).or_exit(exit::CONFIG)?;
    let runtime = super::small_runtime(&config)?;
    let (ledger, _) = store::open(&config).or_exit(exit::UNAVAILABLE)?;
    let lines = runtime.block_on(set_up(&config, ledger, answers.signers))?;
    super::print_lines(lines)
}

fn answers(args: &InitArgs) -> Result<Answers> {
    let asked = |given: &Option<String>, question: &str, default: &str| match given {
        Some(given) => Ok(given.clone()),
        None if args.yes => Ok(default.to_owned()),
        None => ask(question, default),
    };
    let site = asked(&args.site, "Name of this site, as policies write it", "my-site")?;
    let jurisdiction =
        asked(&args.jurisdiction, "Jurisdiction (MO, HK, SG, CN, MY, JP, EU)", "HK")?;
    let jurisdiction = jurisdiction.to_ascii_uppercase();
    if !LAWS.contains(&jurisdiction.as_str()) {
        bail!("{jurisdiction} is not a jurisdiction of the law pack; use one of {LAWS:?}");
    }
    let zone = asked(&args.time_zone, "Time zone", store::zone_of(Some(&jurisdiction)))?;
    if jiff::tz::TimeZone::get(&zone).is_err() {
        bail!("there is no time zone named {zone}; use a name as Asia/Macau");
    }
    let signers = args.signer.iter().map(|text| signer(text)).collect::<Result<_>>()?;
    Ok(Answers { site, jurisdiction, time_zone: zone, signers })
}

#[allow(clippy::print_stdout)]
fn ask(question: &str, default: &str) -> Result<String> {
    print!("{question} [{default}]: ");
    io::stdout().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let answer = line.trim();
    Ok(if answer.is_empty() { default } else { answer }.to_owned())
}

/// `PERSON:ROLE:PUBLIC_KEY_FILE`; the file must speak of the same person and role.
pub(super) fn signer(text: &str) -> Result<Signer> {
    let mut parts = text.splitn(3, ':');
    let (Some(person), Some(role), Some(file)) = (parts.next(), parts.next(), parts.next()) else {
        bail!("{text}: write PERSON:ROLE:PUBLIC_KEY_FILE");
    };
    let key = store::read_bounded(Path::new(file))?;
    let key = TrustedSigner::parse(&key).with_context(|| file.to_owned())?;
    if key.person != person || key.role != role {
        bail!("{file} is the key of another person or role than {person}:{role}");
    }
    Ok(Signer { person: person.to_owned(), role: role.to_owned(), public_key: key.public_key })
}

/// Configuration, law pack and policy template; what is there already stays.
fn write_files(dir: &Path, answers: &Answers) -> Result<()> {
    let zone = format!("time_zone = \"{}\"", answers.time_zone);
    let config = CONFIG
        .replace("site = \"my-site\"", &format!("site = \"{}\"", answers.site))
        .replace("#: time_zone = \"Asia/Macau\"", &zone);
    let policy = dated_policy(answers, jiff::Zoned::now().date());
    let files =
        [("gateway.toml", config.as_str()), ("lawpack.toml", LAW_PACK), ("policy.toml", &policy)];
    for (name, text) in files {
        let path = dir.join(name);
        if !path.exists() {
            store::replace(&path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

/// The policy template, for this site and from `today`: it permits nothing and nobody signed it.
fn dated_policy(answers: &Answers, today: jiff::civil::Date) -> String {
    let until = today.saturating_add(jiff::Span::new().months(POLICY_MONTHS));
    POLICY
        .replace("@SITE@", &answers.site)
        .replace("@LAW@", &answers.jurisdiction)
        .replace("@FROM@", &today.to_string())
        .replace("@UNTIL@", &until.to_string())
}

async fn set_up(
    config: &Config,
    ledger: Ledger,
    signers: Vec<Signer>,
) -> Result<Vec<String>, Failure> {
    Authority::open(&ledger.keyring()).or_exit(exit::UNAVAILABLE)?;
    let mut lines = vec![format!("box            {}", config.folder.display())];
    if ledger.signers().is_empty() && !signers.is_empty() {
        ledger.enrol_signers(signers).await?;
    }
    let known = ledger.signers();
    lines.extend(known.iter().map(|s| format!("may sign       {} ({})", s.person, s.role)));
    match first_administrator(&ledger).await? {
        Some(code) => lines.push(format!(
            "first login    {ADMINISTRATOR}, one-time code {code} (shown this once)"
        )),
        None => lines.push("first login    made before; nothing changed".to_owned()),
    }
    let page = crate::page_certificate::page_certificate(config, &ledger)?;
    if let Some(sheets) = recovery::of(&ledger.keyring())?.new {
        let file = recovery::write(config, &sheets)?;
        lines.push(format!("recovery       sheets in {}:", file.display()));
        lines.push(
            "               print them, keep the three apart, and delete the file".to_owned(),
        );
    }
    lines.push(format!("page           certificate SHA-256 {}", page.fingerprint));
    lines.push(format!("next           muster check --config {}", path(config).display()));
    lines.push(format!("               muster run --config {}", path(config).display()));
    ledger.close().await;
    Ok(lines)
}

fn path(config: &Config) -> PathBuf {
    config.folder.join("gateway.toml")
}

/// Makes the first administrator where there is no account yet; gives the one-time code.
pub(crate) async fn first_administrator(ledger: &Ledger) -> Result<Option<String>> {
    let accounts = ledger.accounts();
    if !accounts.list().is_empty() {
        return Ok(None);
    }
    let code = OneTimeCode::generate()?;
    let roles = vec![Role::ItAdmin, Role::Facilities, Role::Hr];
    let account = Account {
        one_time_code: Some(code.digest),
        ..Account::new(ADMINISTRATOR, roles, crate::trust::now_ms())
    };

    accounts.put("init", account, true).await?;
    Ok(Some(code.shown.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_residency::{LawPack, Policy, check};

    #[test]
    fn the_template_is_a_policy_in_every_jurisdiction() {
        for law in LAWS {
            let answers = Answers {
                site: "my-site".to_owned(),
                jurisdiction: law.to_owned(),
                time_zone: "UTC".to_owned(),
                signers: Vec::new(),
            };
            let text = dated_policy(&answers, jiff::civil::date(2026, 8, 31));
            let policy = Policy::parse(&text).unwrap();
            let findings = check::check(&policy, &LawPack::parse(LAW_PACK).unwrap());
            let errors = findings.iter().filter(|f| f.severity == check::Severity::Error);
            assert_eq!(errors.count(), 0, "{law}: {findings:?}");
            assert!(policy.header.signers.is_empty() && policy.permits.is_empty());
        }
    }
}
