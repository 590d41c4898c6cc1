//! `muster device card`: the card of an M1 on bare metal, from the credentials of its pairing. It
//! speaks to no box.

use crate::cli::CardArgs;
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::store::write_private;
use anyhow::{Context as _, Result, bail, ensure};
use muster_terminal::card;
use muster_terminal::provision::{Identity, Users};
use muster_terminal::sim::RamCard;
use muster_terminal::terminal::User;
use std::fs;
use std::path::Path;
use zeroize::Zeroizing;

/// Blocks of 512 bytes in a MiB.
const MIB: u32 = 2048;
/// Longest file of a secret or of users that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Who the terminal is that a card is for.
pub(crate) struct Owner<'a> {
    pub(crate) name: &'a str,
    /// The pairing secret, 64 hex digits.
    pub(crate) secret_hex: &'a str,
    pub(crate) address: u8,
}

pub(super) fn card(args: &CardArgs) -> Outcome {
    let secret = read(&args.credentials.join("device.secret")).or_exit(exit::UNAVAILABLE)?;
    let users = args.users.as_deref().map(users).transpose().or_exit(exit::DATA)?;
    let owner = Owner { name: &args.name, secret_hex: secret.trim(), address: args.address };
    let users = users.unwrap_or_default();
    let listed: Vec<_> = users.iter().map(|user| (user.page, user.as_user())).collect();
    let card = make(&owner, &listed, args.mebibytes.into()).or_exit(exit::DATA)?;
    write_private(&args.out, &card).map_err(|error| {
        let cure = "a card that is there already may hold punches: name a new file";
        Failure::new(exit::UNAVAILABLE, error.context(cure))
    })?;
    super::print_lines([format!(
        "{}: {} MiB for {}, {} users",
        args.out.display(),
        args.mebibytes,
        super::plain(&args.name),
        listed.len()
    )])
}

/// The bytes of a new card. They hold the pairing secret.
pub(crate) fn make(
    owner: &Owner<'_>,
    users: &[(u16, User<'_>)],
    mebibytes: u32,
) -> Result<Zeroizing<Vec<u8>>> {
    let secret = secret(owner.secret_hex)?;
    let blocks = mebibytes * MIB;
    let mut card = RamCard::new(blocks);
    card::format(&mut card)?;
    let Owner { name, address, .. } = *owner;
    Identity { name, secret: &secret, address, blocks }.write(&mut card)?;
    let mut list = Users::new();
    for (page, user) in users {
        ensure!(list.find(*page).is_none(), "page {page} is given twice");
        list.add(*page, *user)?;
    }
    list.write(&mut card)?;
    Ok(Zeroizing::new(card.into_bytes()))
}

fn secret(hex: &str) -> Result<Zeroizing<[u8; 32]>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    ensure!(pairs.len() == 32 && rest.is_empty(), "the pairing secret is not 64 hex digits");
    let mut secret = Zeroizing::new([0; 32]);
    for (byte, pair) in secret.iter_mut().zip(pairs) {
        let digits = std::str::from_utf8(pair).ok().filter(|text| !text.starts_with('+'));
        let value = digits.and_then(|text| u8::from_str_radix(text, 16).ok());
        *byte = value.context("the pairing secret is not 64 hex digits")?;
    }
    Ok(secret)
}

/// A row of the users' file.
struct Row {
    page: u16,
    number: String,
    duress: bool,
}

impl Row {
    fn as_user(&self) -> User<'_> {
        User { number: &self.number, duress: self.duress }
    }
}

/// Users from CSV; the first problem names its line.
fn users(file: &Path) -> Result<Vec<Row>> {
    let text = read(file)?;
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let head: Vec<_> = reader.headers()?.iter().map(str::trim).map(str::to_owned).collect();
    ensure!(
        ["page,number", "page,number,duress"].contains(&head.join(",").as_str()),
        "{}: the first line must be page,number,duress",
        file.display()
    );
    let rows = reader.records().map(|record| {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        row(&record).with_context(|| format!("{} line {line}", file.display()))
    });
    rows.collect()
}

fn row(record: &csv::StringRecord) -> Result<Row> {
    let field = |index| record.get(index).unwrap_or_default().trim();
    let page = field(0).parse().context("page: a number from 0 to 65535")?;
    let duress = match field(2) {
        "yes" => true,
        "" | "no" => false,
        _ => bail!("duress: yes or no"),
    };
    Ok(Row { page, number: field(1).to_owned(), duress })
}

fn read(file: &Path) -> Result<Zeroizing<String>> {
    let size = fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    ensure!(size <= MAX_FILE, "{} is longer than {MAX_FILE} bytes", file.display());
    Ok(Zeroizing::new(fs::read_to_string(file)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_terminal::card::BLOCK;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

    #[test]
    fn a_card_says_who_the_terminal_is_and_whose_fingers_it_knows() {
        let owner = Owner { name: "m1-gate", secret_hex: HEX, address: 7 };
        let users = [(3, User { number: "00017", duress: true })];
        let card = make(&owner, &users, 1).unwrap();
        assert_eq!(card.len(), 1 << 20);
        let mut card = RamCard::of(card.to_vec());
        let mut block = [0; BLOCK];
        let identity = Identity::read(&mut card, &mut block).unwrap();
        assert_eq!((identity.name, identity.address), ("m1-gate", 7));
        assert_eq!(*identity.secret, std::array::from_fn(|i| i as u8));
        let mut found = Users::new();
        found.read(&mut card).unwrap();
        assert!(found.find(3).is_some_and(|user| user.number == "00017" && user.duress));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |hex: &str, users: &[(u16, User<'_>)], expect: &str| {
            let owner = Owner { name: "m1", secret_hex: hex, address: 1 };
            let said = make(&owner, users, 1).unwrap_err().to_string();
            assert!(said.contains(expect), "{said}");
        };
        check("", &[], "64 hex digits");
        check(&HEX[1..], &[], "64 hex digits");
        check(&HEX.replace("00", "+0"), &[], "64 hex digits");
        let user = User { number: "1", duress: false };
        check(HEX, &[(1, user), (1, user)], "page 1 is given twice");
        check(HEX, &[(1, User { number: "", duress: false })], "page 1 must have 1 to 48");
    }

    #[test]
    fn users_are_read_from_csv() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users.csv");
        let check = |text: &str, expect: Result<Vec<(u16, &str, bool)>, &str>| {
            fs::write(&file, text).unwrap();
            match (users(&file), expect) {
                (Ok(rows), Ok(expect)) => {
                    let rows: Vec<_> =
                        rows.iter().map(|r| (r.page, r.number.as_str(), r.duress)).collect();
                    assert_eq!(rows, expect);
                }
                (Err(said), Err(expect)) => {
                    assert!(format!("{said:#}").contains(expect), "{said:#}");
                }
                (got, _) => panic!("{text}: {:?}", got.map(|rows| rows.len())),
            }
        };
        check(
            "page,number,duress\n1,00017,\n2,00018,yes\n",
            Ok(vec![(1, "00017", false), (2, "00018", true)]),
        );
        check("page,number\n1,00017\n", Ok(vec![(1, "00017", false)]));
        check("number,page\n", Err("page,number,duress"));
        check("page,number\n1,2\nx,3\n", Err("line 3: page"));
        check("page,number,duress\n1,2,maybe\n", Err("line 2: duress"));
    }
}
