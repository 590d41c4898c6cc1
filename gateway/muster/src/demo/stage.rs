//! The demo's box: a temporary folder with configuration, signed policy and people, and a gateway
//! started on it exactly as `muster run` does.

use super::region::{Region, RegionAuthority};
use crate::config::Config;
use crate::gateway::Gateway;
use crate::store;
use anyhow::{Context as _, Result, anyhow};
use muster_console::SecondFactor;
use muster_ledger::{PersonProfile, Signer};
use muster_residency::key::SigningKey;
use muster_residency::{LawPack, Policy, signature};
use ring::rand::{SecureRandom, SystemRandom};
use std::fs;
use std::path::Path;
use zeroize::Zeroizing;

const POLICY: &str = include_str!("policy.toml");
const LAW_PACK: &str = include_str!("../../../../deploy/lawpacks/apac-eu-2026.2.toml");

/// The people of the demo: number, name, department.
pub(super) const PEOPLE: [(&str, &str, &str); 10] = [
    ("00011", "Chan Tai Man 陳大文", "office"),
    ("00012", "Lee Siu Ming 李小明", "office"),
    ("00013", "Maria da Silva", "office"),
    ("00014", "Wong Ka Yan 黃嘉欣", "office"),
    ("00015", "Nguyễn Văn An", "office"),
    ("00021", "Ho Wing 何穎", "works"),
    ("00022", "Ravi Kumar", "works"),
    ("00023", "Cheung Chi Keung 張志強", "works"),
    ("00024", "Fatima Rahman", "works"),
    ("00031", "Chair of the Board", "board"),
];

/// A number that no import names: its punches wait to be mapped.
pub(super) const UNMAPPED: &str = "99901";

/// Writes everything a box needs into `folder`, with ports chosen by the system.
pub(super) fn write(
    folder: &Path,
    m1_port: &Path,
    authority: &RegionAuthority,
    cloud: &Region,
    payroll: &Region,
) -> Result<Config> {
    let put = |name: &str, text: &str| {
        fs::write(folder.join(name), text).with_context(|| format!("cannot write {name}"))
    };
    put("region-ca.pem", &authority.ca_pem)?;
    put("lawpack.toml", LAW_PACK)?;
    put("gateway.toml", &configuration(m1_port, cloud, payroll))?;
    let now = jiff::Timestamp::now();
    let until = now.saturating_add(jiff::SignedDuration::from_hours(90 * 24))?;
    let policy = POLICY.replace("@FROM@", &now.to_string()).replace("@UNTIL@", &until.to_string());
    put("policy.toml", &policy)?;
    let config = Config::load(Some(&folder.join("gateway.toml")))?;
    Ok(Config { second_factor: SecondFactor::Waived, ..config })
}

fn configuration(m1_port: &Path, cloud: &Region, payroll: &Region) -> String {
    format!(
        "[box]\nsite = \"demo-site\"\ntime_zone = \"Asia/Hong_Kong\"\n\
         [mqtt]\nlisten = \"127.0.0.1:0\"\n\
         [[serial]]\nport = \"{}\"\n\
         [clock]\ntrust = \"assume\"\n\
         [console]\nlisten = \"127.0.0.1:0\"\n\
         [metrics]\nlisten = \"127.0.0.1:0\"\n\
         [policy]\nfile = \"policy.toml\"\nlaw_pack = \"lawpack.toml\"\n\
         [[region]]\ndestination = \"hk-cloud\"\nconnector = \"mqtt\"\n\
         url = \"mqtts://localhost:{}\"\nca = \"region-ca.pem\"\n\
         [[region]]\ndestination = \"hk-payroll\"\nconnector = \"https\"\n\
         url = \"https://localhost:{}/records\"\nca = \"region-ca.pem\"\n",
        m1_port.display(),
        cloud.address.port(),
        payroll.address.port(),
    )
}

/// Two people sign the policy with keys of their own; both are enrolled on the box.
pub(super) async fn sign(config: &Config, gateway: &Gateway) -> Result<()> {
    let section = config.policy.as_ref().context("the demo has a policy")?;
    let policy = Policy::parse(&store::read_bounded(&section.file)?)?;
    let law_pack = LawPack::parse(LAW_PACK)?;
    let (mut lines, mut signers) = (String::new(), Vec::new());
    for (person, role) in [("demo.dpo", "dpo"), ("demo.admin", "it-admin")] {
        let mut seed = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(seed.as_mut()).map_err(|_| anyhow!("no random numbers"))?;
        let key = SigningKey::new(person, role, seed)?;
        lines += &signature::sign(&policy, &law_pack, &key);
        let (person, role) = (person.to_owned(), role.to_owned());
        signers.push(Signer { person, role, public_key: key.public_key() });
    }
    fs::write(store::signatures_path(&section.file), lines)?;
    gateway.ledger.enrol_signers(signers).await?;
    gateway.reload().await;
    Ok(())
}

/// Imports the demo's people.
pub(super) async fn import(gateway: &Gateway) -> Result<()> {
    let person = |(person, name, department): &(&str, &str, &str)| PersonProfile {
        person: (*person).to_owned(),
        name: Some((*name).to_owned()),
        department: Some((*department).to_owned()),
        category: Some("employee".to_owned()),
        age_band: Some("adult".to_owned()),
        employment_law: vec!["HK".to_owned()],
        basis: Some("contract".to_owned()),
        ..PersonProfile::default()
    };
    gateway.ledger.directory().import(PEOPLE.iter().map(person).collect()).await?;
    Ok(())
}
