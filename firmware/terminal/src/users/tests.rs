use super::*;
use crate::sim::RamFlash;
use muster_proto::message::{HASH, SALT};
use proptest::prelude::*;
use std::collections::BTreeMap;

type List = UserList<RamFlash, 20>;

fn key() -> ListKey {
    ListKey::derive(&[9; 32])
}

fn open(flash: RamFlash) -> List {
    UserList::open(flash, key()).unwrap()
}

fn user(number: &str, page: Option<u16>) -> User {
    let pin = Some(Verifier { salt: [1; SALT], hash: [2; HASH] });
    let mut user = User::new(number).unwrap();
    (user.page, user.duress, user.pin) = (page, page.map(|p| p + 100), pin);
    user
}

#[test]
fn users_are_found_over_restarts() {
    let mut list = open(RamFlash::new(2));
    list.put(&user("00017", Some(3))).unwrap();
    list.put(&user("17", None)).unwrap();
    list.configure(Settings { pins: false, pin_tries: 3, lock_seconds: 60 }).unwrap();
    let mut list = open(list.into_flash());
    assert_eq!(list.len(), 2);
    assert!(list.find("00017").unwrap() == user("00017", Some(3)));
    assert!(list.find("17").is_some() && list.find("0017").is_none());
    let (found, duress) = list.by_page(103).unwrap();
    assert_eq!((found.number.as_str(), duress), ("00017", true));
    assert!(list.by_page(3).is_some_and(|(_, duress)| !duress));
    assert!(list.by_page(NO_PAGE).is_none());
    assert_eq!(list.settings().pin_tries, 3);
}

#[test]
fn limits_are_refused() {
    let mut list = open(RamFlash::new(2));
    list.put(&user("a", Some(1))).unwrap();
    assert_eq!(list.put(&user("b", Some(1))), Err(UsersError::PageTaken));
    assert_eq!(list.put(&user("b", Some(101))), Err(UsersError::PageTaken));
    list.put(&user("a", Some(2))).unwrap();
    list.put(&user("b", Some(1))).unwrap();
    for n in 0..18 {
        list.put(&user(&std::format!("n{n}"), None)).unwrap();
    }
    assert_eq!(list.put(&user("one more", None)), Err(UsersError::Full));
    assert_eq!(User::new("").err(), Some(UsersError::Number));
    assert_eq!(User::new(&"x".repeat(49)).err(), Some(UsersError::Number));
    assert!(matches!(UserList::<_, 40>::open(RamFlash::new(2), key()), Err(UsersError::Geometry)));
}

#[test]
fn the_chip_holds_nothing_in_clear_and_nothing_of_the_erased() {
    let mut list = open(RamFlash::new(2));
    let mut erased = user("somebody@work", Some(1));
    erased.pin = Some(Verifier { salt: [0xA7; SALT], hash: [0xA9; HASH] });
    list.put(&erased).unwrap();
    // Behind the second half's head and the settings.
    let at = 4096 + 2 * RECORD;
    let sealed = list.flash.bytes()[at + 4..at + 60].to_vec();
    let find = |list: &List, what: &[u8]| list.flash.bytes().windows(what.len()).any(|w| w == what);
    for secret in [&b"somebody"[..], &[0xA7; 8], &[0xA9; 8]] {
        assert!(!find(&list, secret));
    }
    list.put(&user("another", Some(2))).unwrap();
    assert!(list.remove("somebody@work").unwrap() && !list.remove("somebody@work").unwrap());
    // Not even their sealed record is left.
    assert!(sealed.iter().any(|b| *b != 0xFF) && !find(&list, &sealed));
    assert!(list.find("another").is_some() && list.find("somebody@work").is_none());
    let other = UserList::<_, 20>::open(list.into_flash(), ListKey::derive(&[8; 32])).unwrap();
    assert!(other.is_empty());
}

#[derive(Clone, Debug)]
enum Act {
    Put(u8, Option<u16>),
    Remove(u8),
    Cut(u64),
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0u8..12, prop::option::of(0u16..12)).prop_map(|(n, p)| Act::Put(n, p)),
        2 => (0u8..12).prop_map(Act::Remove),
        2 => (0u64..12_000).prop_map(Act::Cut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Against a map, with power cuts at any byte: what returned is there, what did not is there
    /// whole or not at all.
    #[test]
    fn power_cuts_change_nothing_that_returned(
        acts in prop::collection::vec(any_act(), 1..120),
        seed: u64,
    ) {
        let mut flash = RamFlash::new(2);
        flash.seed(seed);
        let mut list = open(flash);
        let mut model: BTreeMap<String, Option<u16>> = BTreeMap::new();
        for act in acts {
            let (number, wanted) = match act {
                Act::Put(n, page) => {
                    let number = std::format!("n{n}");
                    let done = list.put(&user(&number, page));
                    if done == Err(UsersError::PageTaken) {
                        continue;
                    }
                    if done.is_ok() {
                        model.insert(number.clone(), page);
                    }
                    (number, Some(page))
                }
                Act::Remove(n) => {
                    let number = std::format!("n{n}");
                    if list.remove(&number).is_ok() {
                        model.remove(&number);
                    }
                    (number, None)
                }
                Act::Cut(bytes) => {
                    list.flash.cut_after(bytes);
                    continue;
                }
            };
            if list.flash.is_off() {
                let mut flash = list.into_flash();
                flash.power_on();
                list = open(flash);
                // What was cut off may have come through.
                match list.find(&number) {
                    Some(found) if Some(found.page) == wanted => {
                        model.insert(number, found.page);
                    }
                    None if wanted.is_none() => {
                        model.remove(&number);
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(list.len(), model.len());
            for (number, page) in &model {
                let found = list.find(number);
                prop_assert!(found.is_some_and(|u| u.page == *page), "{} is gone", number);
            }
        }
    }
}
