//! `muster init`: first set-up of a box. Makes keys, device CA, first administrator, the annotated
//! configuration and a policy template, dated and unsigned; running it twice harms nothing. On a
//! terminal it is a conversation; with `--yes` it asks nothing. Either ends with a running box where
//! systemd can start one, and says how to start it where not.

mod conversation;
mod self_test;
mod service;

pub(super) use conversation::hand_out;

use crate::backup::recovery;
use crate::backup::sheets::Sheet;
use crate::cli::InitArgs;
use crate::config::{self, Config, Console};
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::page_certificate::{host_name, own_address};
use crate::store;
use anyhow::{Context as _, Result, anyhow, bail};
use conversation::ask;
use muster_console::OneTimeCode;
use muster_intake::authority::Authority;
use muster_ledger::{Account, Ledger, Role, Signer};
use muster_residency::key::TrustedSigner;
use serde_json::json;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
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
#[derive(Default)]
struct Answers {
    site: String,
    jurisdiction: String,
    time_zone: String,
    signers: Vec<Signer>,
    /// Where to listen, where that was asked.
    mqtt: Option<SocketAddr>,
    page: Option<SocketAddr>,
    serial: Vec<PathBuf>,
}

pub(super) fn init(args: &InitArgs) -> Outcome {
    let talks = !(args.yes || args.json) && io::stdin().is_terminal() && io::stdout().is_terminal();
    let is_new = !args.dir.join("gateway.toml").exists();
    let answers = if talks && is_new { conversation::answers(args) } else { answers(args) };
    let answers = answers.map_err(|e| Failure::new(exit::USAGE, e))?;
    // Before anything is written.
    if is_new && !config::is_site(&answers.site) {
        let why = anyhow!("{}; choose another name with --site", config::SITE_RULE);
        return Err(Failure::new(exit::USAGE, why));
    }
    fs::create_dir_all(&args.dir).with_context(|| format!("cannot make {}", args.dir.display()))?;
    let dir = std::path::absolute(&args.dir)?;
    write_files(&dir, &answers)?;
    let config = Config::load(Some(&dir.join("gateway.toml"))).or_exit(exit::CONFIG)?;
    if UnixStream::connect(config.socket()).is_ok() {
        let told = json!({ "config": config.path, "gateway": "runs already" });
        return super::tell(args.json, &told, running(&config, "runs already; nothing changed"));
    }
    // As who asks: systemd may tell nobody else.
    let way = service::way(&config.path);
    let runtime = super::small_runtime(&config)?;
    let (ledger, _) = store::open(&config).or_exit(exit::UNAVAILABLE)?;
    let made = runtime.block_on(set_up(&config, ledger, answers.signers))?;
    if args.json {
        return document(
            &config,
            &made,
            if args.no_start { Err("--no-start was given") } else { way },
        );
    }
    super::print_lines(lines(&config, &made))?;
    match talks {
        true => finish(&config, &made)?,
        false => leave_sheets(&config, &made)?,
    }
    if talks || matches!(way, Ok(())) {
        self_test(&config, &runtime)?;
    }
    let problems = super::check::problems(&config);
    super::print_lines(problems.iter().map(|problem| format!("look after     {problem}")))?;
    let wanted = match (way, args.no_start) {
        (Err(why), _) => Err(why),
        (Ok(()), true) => Err("--no-start was given"),
        (Ok(()), false) if talks && !conversation::starts_now()? => Err("you said no"),
        (Ok(()), false) => Ok(()),
    };
    if let Err(why) = wanted {
        return super::print_lines(service::by_hand(&config.path, why));
    }
    service::start(&problems)?;
    super::print_lines(running(&config, "running, and started again with this machine"))
}

/// All of it as one document; the recovery sheets are in a file, as nobody is asked.
fn document(config: &Config, made: &Made, way: Result<(), &str>) -> Outcome {
    let sheets = made.sheets.as_ref().map(|sheets| recovery::write(config, sheets)).transpose()?;
    let problems = super::check::problems(config);
    if way.is_ok() {
        service::start(&problems)?;
    }
    let code = made.code.as_ref();
    super::print_json(&json!({
        "config": config.path,
        "signers": made.signers,
        "first_login": code.map(|code| json!({ "name": ADMINISTRATOR, "code": code })),
        "page": config.console.as_ref().map(page_address),
        "certificate_sha256": made.fingerprint,
        "recovery_sheets": sheets,
        "problems": problems,
        "started": way.is_ok(),
        "not_started": way.err(),
    }))
}

/// What a box that runs says: where its page is.
fn running(config: &Config, how: &str) -> Vec<String> {
    let mut lines = vec![format!("gateway        {how}")];
    let page = config.console.as_ref().map(page_address);
    lines.extend(page.map(|page| format!("page           {page}")));
    let config = config.path.display();
    lines.push(format!(
        "next           muster device pair --kind m2 --name gate-01 --code --config {config}"
    ));
    lines.push(format!("look after it  muster doctor --config {config}"));
    lines
}

fn answers(args: &InitArgs) -> Result<Answers> {
    let is_new = !args.dir.join("gateway.toml").exists();
    let asked = |given: &Option<String>, question: &str, default: &str| match given {
        Some(given) => Ok(given.clone()),
        None if args.yes || args.json || !is_new => Ok(default.to_owned()),
        None => ask(question, default),
    };
    let site = asked(&args.site, "Name of this site, as policies write it", "my-site")?;
    let law = asked(&args.jurisdiction, "Jurisdiction (MO, HK, SG, CN, MY, JP, EU)", "HK")?;
    let jurisdiction = conversation::law(&law)?;
    let zone = conversation::default_zone(&jurisdiction);
    let time_zone = conversation::zone(&asked(&args.time_zone, "Time zone", zone)?)?;
    let signers = args.signer.iter().map(|text| signer(text)).collect::<Result<_>>()?;
    Ok(Answers { site, jurisdiction, time_zone, signers, ..Answers::default() })
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
    let config = listening(config, answers);
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

/// The configuration with the listeners and serial ports that were chosen.
fn listening(config: String, answers: &Answers) -> String {
    let mut config = config;
    for (shipped, chosen) in [("0.0.0.0:8883", answers.mqtt), ("0.0.0.0:8443", answers.page)] {
        if let Some(chosen) = chosen {
            config = config
                .replace(&format!("\nlisten = \"{shipped}\""), &format!("\nlisten = \"{chosen}\""));
        }
    }
    for port in &answers.serial {
        let port = toml::Value::String(port.display().to_string());
        config.push_str(&format!("\n[[serial]]\nport = {port}\nbaud = 115200\n"));
    }
    config
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

/// What the set-up made, or found.
struct Made {
    signers: Vec<Signer>,
    /// The first administrator's one-time code, if made now.
    code: Option<String>,
    fingerprint: String,
    /// The recovery sheets, if made now.
    sheets: Option<Vec<Sheet>>,
}

async fn set_up(config: &Config, ledger: Ledger, signers: Vec<Signer>) -> Result<Made, Failure> {
    Authority::open(&ledger.keyring()).or_exit(exit::UNAVAILABLE)?;
    if ledger.signers().is_empty() && !signers.is_empty() {
        ledger.enrol_signers(signers).await?;
    }
    let made = Made {
        signers: ledger.signers(),
        code: first_administrator(&ledger).await?,
        fingerprint: crate::page_certificate::page_certificate(config, &ledger)?.fingerprint,
        sheets: recovery::of(&ledger.keyring())?.new,
    };
    ledger.close().await;
    Ok(made)
}

fn lines(config: &Config, made: &Made) -> Vec<String> {
    let mut lines = vec![format!("box            {}", config.folder.display())];
    let signers = made.signers.iter();
    lines.extend(signers.map(|s| format!("may sign       {} ({})", s.person, s.role)));
    lines.push(match &made.code {
        Some(code) => {
            format!("first login    {ADMINISTRATOR}, one-time code {code} (shown this once)")
        }
        None => "first login    made before; nothing changed".to_owned(),
    });
    lines.push(format!("page           certificate SHA-256 {}", made.fingerprint));
    lines
}

/// Nobody is there to write them down.
fn leave_sheets(config: &Config, made: &Made) -> Result<(), Failure> {
    let Some(sheets) = &made.sheets else { return Ok(()) };
    let file = recovery::write(config, sheets)?;
    super::print_lines([
        format!("recovery       sheets in {}:", file.display()),
        "               print them, keep the three apart, and delete the file".to_owned(),
    ])?;
    Ok(())
}

/// The page's address as a picture, and the sheets.
fn finish(config: &Config, made: &Made) -> Result<(), Failure> {
    if let (Some(console), Some(code)) = (&config.console, &made.code) {
        show_page(console, code, &made.fingerprint)?;
    }
    if let Some(sheets) = &made.sheets {
        conversation::sheets(config, sheets)?;
    }
    Ok(())
}

/// A punch, to see that machine, disk and program can take one.
fn self_test(config: &Config, runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
    let took = runtime.block_on(self_test::punch(&config.site.data)).or_exit(exit::UNAVAILABLE)?;
    let took =
        format!("self-test      a punch was on disk and receipted in {} ms", took.as_millis());
    Ok(conversation::say(&took)?)
}

/// The page's address as a picture. A phone that followed it has the certificate's fingerprint in
/// its address line, behind the # that no server sees, to compare with what it warns of; the code is
/// beside the picture and not in it.
fn show_page(console: &Console, code: &str, fingerprint: &str) -> Result<()> {
    let page = page_address(console);
    conversation::say(&format!("The page, for a phone on this network: {page}"))?;
    let address = format!("{page}#sha256={}", fingerprint.replace(':', "").to_lowercase());
    conversation::say(&super::qr::picture(&address)?)?;
    conversation::say(&format!("certificate    SHA-256 {fingerprint}"))?;
    conversation::say("               trust it once, if the browser shows the same")?;
    conversation::say(&format!("log in         {ADMINISTRATOR}, one-time code {code}"))
}

/// Where people reach the page: by the name that was given, else by this machine's address.
fn page_address(console: &Console) -> String {
    let own = Some(console.listen.ip()).filter(|ip| !ip.is_unspecified()).or_else(own_address);
    let host = console.hosts.first().cloned().or_else(|| own.map(|ip| ip.to_string()));
    let host = host.or_else(host_name).unwrap_or_else(|| "localhost".to_owned());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    format!("https://{host}:{}/", console.listen.port())
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

    #[test]
    fn what_was_chosen_is_in_the_configuration() {
        let answers = Answers {
            mqtt: Some("192.0.2.1:9883".parse().unwrap()),
            page: Some("192.0.2.1:9443".parse().unwrap()),
            serial: vec![PathBuf::from("/dev/serial/by-id/usb-\"odd\"")],
            ..Answers::default()
        };
        let text = listening(CONFIG.to_owned(), &answers);
        let config = Config::parse(&text, Path::new("gateway.toml"), "/box".into()).unwrap();
        assert_eq!(config.mqtt.unwrap().listen, answers.mqtt);
        assert_eq!(Some(config.console.unwrap().listen), answers.page);
        assert_eq!(config.serial[0].port, answers.serial[0]);
    }
    use muster_residency::{LawPack, Policy, check};

    #[test]
    fn a_name_that_is_no_site_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let args = InitArgs {
            yes: true,
            dir: folder.path().join("box"),
            site: Some("a\"\n[x".to_owned()),
            jurisdiction: None,
            time_zone: None,
            signer: Vec::new(),
            no_start: true,
            json: false,
        };
        let refused = init(&args).unwrap_err().to_string();
        assert!(refused.contains("--site"), "{refused}");
        assert!(!args.dir.exists());
    }

    #[test]
    fn the_template_is_a_policy_in_every_jurisdiction() {
        for law in LAWS {
            let answers = Answers {
                site: "my-site".to_owned(),
                jurisdiction: law.to_owned(),
                time_zone: "UTC".to_owned(),
                ..Answers::default()
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
