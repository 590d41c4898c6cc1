//! `muster device card`: the card of an M1 on bare metal, from the credentials of its pairing. It
//! speaks to no box.

use crate::cli::CardArgs;
use crate::control::ListedUser;
use crate::exit::{self, Failure, OrExit as _, Outcome};
use crate::store::write_private;
use anyhow::{Context as _, Result, bail, ensure};
use muster_proto::message::IMAGE_HEAD;
use muster_terminal::card::{self, CardFlash};
use muster_terminal::layout::{MAX_USERS, Parts};
use muster_terminal::provision::Identity;
use muster_terminal::region::Region;
use muster_terminal::sim::RamCard;
use muster_terminal::terminal::User;
use muster_terminal::update::{Trust, Updater};
use muster_terminal::users::{ListKey, User as Listed, UserList};
use std::cell::RefCell;
use std::fs;
use std::path::Path;
use zeroize::Zeroizing;

/// Blocks of 512 bytes in a MiB.
const MIB: u32 = 2048;
/// Which board the bare-metal image is for, as its `board` module has it.
const M1_BOARD: u32 = 2;
/// Bytes of an image that are written at once: whole write units.
const PART: usize = 256;
/// Longest file of a secret or of users that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Who the terminal is that a card is for.
pub(crate) struct Owner<'a> {
    pub(crate) name: &'a str,
    /// The pairing secret, 64 hex digits.
    pub(crate) secret_hex: &'a str,
    pub(crate) address: u8,
    /// The site that it stands at; empty for none, and then it takes no tasks.
    pub(crate) site: &'a str,
}

/// The firmware that a card begins with, and who may send another.
pub(crate) struct Firmware {
    pub(crate) key: [u8; 32],
    /// Head and image.
    pub(crate) signed: Vec<u8>,
}

/// Pages of the module with who has the finger there.
type Pages<'a> = [(u16, User<'a>)];

pub(super) fn card(args: &CardArgs) -> Outcome {
    let secret = read(&args.credentials.join("device.secret")).or_exit(exit::UNAVAILABLE)?;
    let users = args.users.as_deref().map(users).transpose().or_exit(exit::DATA)?;
    let owner = Owner {
        name: &args.name,
        secret_hex: secret.trim(),
        address: args.address,
        site: args.site.as_deref().unwrap_or_default(),
    };
    let firmware = firmware(args).or_exit(exit::DATA)?;
    let users = users.unwrap_or_default();
    let listed: Vec<_> = users.iter().map(|user| (user.page, user.as_user())).collect();
    let firmware = firmware.as_ref();
    let card = make(&owner, &listed, firmware, args.mebibytes.into()).or_exit(exit::DATA)?;
    write_private(&args.out, &card).map_err(|error| {
        let cure = "a card that is there already may hold punches: name a new file";
        Failure::new(exit::UNAVAILABLE, error.context(cure))
    })?;
    let (out, users, mebibytes) = (args.out.display().to_string(), listed.len(), args.mebibytes);
    let name = super::plain(&args.name);
    let line = format!("{out}: {mebibytes} MiB for {name}, {users} users");
    let told = serde_json::json!({ "file": out, "mebibytes": mebibytes, "users": users });
    super::tell(args.json, &told, [line])
}

/// The bytes of a new card. They hold the pairing secret.
pub(crate) fn make(
    owner: &Owner<'_>,
    users: &Pages<'_>,
    firmware: Option<&Firmware>,
    mebibytes: u32,
) -> Result<Zeroizing<Vec<u8>>> {
    let secret = secret(owner.secret_hex)?;
    let blocks = mebibytes * MIB;
    let mut card = RamCard::new(blocks);
    card::format(&mut card)?;
    let Owner { name, address, site, .. } = *owner;
    let firmware_key = firmware.map_or(&[0; 32], |firmware| &firmware.key);
    Identity { name, secret: &secret, address, site, firmware_key, blocks }.write(&mut card)?;
    let flash = RefCell::new(CardFlash::open(card)?);
    let parts = Parts::of(&flash).context("the card is too small")?;
    let mut list: UserList<_, MAX_USERS> = UserList::open(parts.users, ListKey::derive(&secret))?;
    for (page, user) in users {
        let mut listed = list.find(user.number).map_or_else(|| Listed::new(user.number), Ok)?;
        let place = if user.duress { &mut listed.duress } else { &mut listed.page };
        ensure!(place.replace(*page).is_none(), "user {} is given twice", user.number);
        list.put(&listed).with_context(|| format!("page {page}"))?;
    }
    if let Some(Firmware { key, signed }) = firmware {
        preload(parts.firmware, key, signed).context("the firmware")?;
    }
    drop(list);
    Ok(Zeroizing::new(flash.into_inner().into_blocks().into_bytes()))
}

/// Puts an image into a slot as one that has proved itself, by the terminal's own checks.
fn preload(flash: Region<'_, CardFlash<RamCard>>, key: &[u8; 32], signed: &[u8]) -> Result<()> {
    let (head, image) = signed.split_first_chunk::<IMAGE_HEAD>().context("it has no head")?;
    let mut updater = Updater::open(flash, Trust { key: *key, board: M1_BOARD })?;
    updater.begin(head)?;
    for (offset, part) in (0..).step_by(PART).zip(image.chunks(PART)) {
        updater.part(offset, part)?;
    }
    let version = updater.end()?;
    Ok(updater.confirm(version)?)
}

/// The firmware that the arguments name.
fn firmware(args: &CardArgs) -> Result<Option<Firmware>> {
    let (Some(image), Some(key)) = (&args.firmware, &args.firmware_key) else { return Ok(None) };
    let text = read(key)?;
    let key = *secret(text.trim()).context("the firmware key is not 64 hex digits")?;
    let size = fs::metadata(image).with_context(|| format!("cannot read {}", image.display()))?;
    ensure!(size.len() <= MAX_FILE, "{} is longer than any image", image.display());
    Ok(Some(Firmware { key, signed: fs::read(image)? }))
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

/// The users of a file as a terminal lists them.
pub(super) fn listed(file: &Path) -> Result<Vec<ListedUser>> {
    let mut all: Vec<ListedUser> = Vec::new();
    for Row { page, number, duress } in users(file)? {
        let known = all.iter_mut().find(|user| user.number == number);
        let place = |user: &mut ListedUser| {
            let place = if duress { &mut user.duress } else { &mut user.page };
            place.replace(page)
        };
        match known {
            Some(user) => ensure!(place(user).is_none(), "user {number} is given twice"),
            None => {
                let mut user = ListedUser { number, page: None, duress: None };
                place(&mut user);
                all.push(user);
            }
        }
    }
    Ok(all)
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
        let owner = Owner { name: "m1-gate", secret_hex: HEX, address: 7, site: "mo-hq" };
        let user = User { number: "00017", duress: false };
        let users = [(3, User { duress: true, ..user }), (2, user)];
        let card = make(&owner, &users, None, 1).unwrap();
        assert_eq!(card.len(), 1 << 20);
        let mut card = RamCard::of(card.to_vec());
        let mut block = [0; BLOCK];
        let identity = Identity::read(&mut card, &mut block).unwrap();
        assert_eq!((identity.name, identity.address, identity.site), ("m1-gate", 7, "mo-hq"));
        assert_eq!(*identity.secret, std::array::from_fn(|i| i as u8));
        let key = ListKey::derive(identity.secret);
        let flash = RefCell::new(CardFlash::open(card).unwrap());
        let mut list: UserList<_, MAX_USERS> =
            UserList::open(Parts::of(&flash).unwrap().users, key).unwrap();
        let (found, duress) = list.by_page(3).unwrap();
        assert_eq!((found.number.as_str(), found.page, duress), ("00017", Some(2), true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |hex: &str, users: &[(u16, User<'_>)], expect: &str| {
            let owner = Owner { name: "m1", secret_hex: hex, address: 1, site: "" };
            let said = format!("{:#}", make(&owner, users, None, 1).unwrap_err());
            assert!(said.contains(expect), "{said}");
        };
        check("", &[], "64 hex digits");
        check(&HEX[1..], &[], "64 hex digits");
        check(&HEX.replace("00", "+0"), &[], "64 hex digits");
        let user = User { number: "1", duress: false };
        check(HEX, &[(1, user), (2, user)], "user 1 is given twice");
        check(HEX, &[(1, user), (1, User { number: "2", duress: false })], "another user's");
        check(HEX, &[(1, User { number: "", duress: false })], "1 to 48 bytes");
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
