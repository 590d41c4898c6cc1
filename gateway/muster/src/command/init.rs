//! `muster init`: first set-up of a box. Makes keys, device CA, first administrator, the annotated
//! configuration and a policy template, dated and unsigned; running it twice harms nothing. On a
//! terminal it is a conversation that ends with a punch; with `--yes` it asks nothing.

mod conversation;
mod self_test;

pub(super) use conversation::hand_out;

use crate::backup::recovery;
use crate::backup::sheets::Sheet;
use crate::cli::InitArgs;
use crate::config::{Config, Console};
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::page_certificate::{host_name, own_address};
use crate::store;
use anyhow::{Context as _, Result, bail};
use conversation::ask;
use muster_console::OneTimeCode;
use muster_intake::authority::Authority;
use muster_ledger::{Account, Ledger, Role, Signer};
use muster_residency::key::TrustedSigner;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const CONFIG: &str = include_str!("../../../../deploy/gateway.toml");
const LAW_PACK: &str = include_str!("../../../../deploy/lawpacks/apac-eu-2026.2.toml");
const POLICY: &str = include_str!("../../../../deploy/policy-template.toml");

/// The first administrator's login.
const ADMINISTRATOR: &str = "admin";
/// The configuration that the package's unit starts with, and what is there where systemd runs.
const PACKAGED: &str = "/etc/muster/gateway.toml";
const SYSTEMD: &str = "/run/systemd/system";
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
    let talks = !args.yes && io::stdin().is_terminal() && io::stdout().is_terminal();
    let is_new = !args.dir.join("gateway.toml").exists();
    let answers = if talks && is_new { conversation::answers(args) } else { answers(args) };
    let answers = answers.map_err(|e| Failure::new(exit::USAGE, e))?;
    fs::create_dir_all(&args.dir).with_context(|| format!("cannot make {}", args.dir.display()))?;
    let dir = std::path::absolute(&args.dir)?;
    write_files(&dir, &answers)?;
    let config = Config::load(Some(&dir.join("gateway.toml"))).or_exit(exit::CONFIG)?;
    let runtime = super::small_runtime(&config)?;
    let (ledger, _) = store::open(&config).or_exit(exit::UNAVAILABLE)?;
    let made = runtime.block_on(set_up(&config, ledger, answers.signers))?;
    super::print_lines(lines(&config, &made))?;
    match talks {
        true => finish(&config, &made, &runtime)?,
        false => leave_sheets(&config, &made)?,
    }
    super::print_lines([
        format!("next           muster check --config {}", config.path.display()),
        format!("               {}", start(&config.path)),
    ])
}

fn answers(args: &InitArgs) -> Result<Answers> {
    let is_new = !args.dir.join("gateway.toml").exists();
    let asked = |given: &Option<String>, question: &str, default: &str| match given {
        Some(given) => Ok(given.clone()),
        None if args.yes || !is_new => Ok(default.to_owned()),
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

/// The page's address as a picture, the sheets, and a punch to see that all of it works.
fn finish(config: &Config, made: &Made, runtime: &tokio::runtime::Runtime) -> Result<(), Failure> {
    if let (Some(console), Some(code)) = (&config.console, &made.code) {
        show_page(console, code, &made.fingerprint)?;
    }
    if let Some(sheets) = &made.sheets {
        conversation::sheets(config, sheets)?;
    }
    let punch = self_test::punch(&config.site.data);
    let took = runtime.block_on(punch).or_exit(exit::UNAVAILABLE)?;
    let took =
        format!("self-test      a punch was on disk and receipted in {} ms", took.as_millis());
    conversation::say(&took)?;
    Ok(())
}

/// The page's address as a picture. A phone that followed it has the certificate's fingerprint in
/// its address line, behind the # that no server sees, to compare with what it warns of; the code is
/// beside the picture and not in it.
fn show_page(console: &Console, code: &str, fingerprint: &str) -> Result<()> {
    let own = Some(console.listen.ip()).filter(|ip| !ip.is_unspecified()).or_else(own_address);
    let host = console.hosts.first().cloned().or_else(|| own.map(|ip| ip.to_string()));
    let host = host.or_else(host_name).unwrap_or_else(|| "localhost".to_owned());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let page = format!("https://{host}:{}/", console.listen.port());
    conversation::say(&format!("The page, for a phone on this network: {page}"))?;
    let address = format!("{page}#sha256={}", fingerprint.replace(':', "").to_lowercase());
    conversation::say(&super::qr::picture(&address)?)?;
    conversation::say(&format!("certificate    SHA-256 {fingerprint}"))?;
    conversation::say("               trust it once, if the browser shows the same")?;
    conversation::say(&format!("log in         {ADMINISTRATOR}, one-time code {code}"))
}

/// How the gateway is started here: by systemd, where it runs and the box is the package's.
fn start(config: &Path) -> String {
    let packaged = config == Path::new(PACKAGED) && Path::new(SYSTEMD).exists();
    match packaged {
        true => "systemctl enable --now muster".to_owned(),
        false => format!("muster run --config {}", config.display()),
    }
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
