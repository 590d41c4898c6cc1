use super::*;
use crate::sim::RamFlash;
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;

/// Two sectors of state, two slots of three.
const SECTORS: usize = 8;
const BOARD: u32 = 0x6965;

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[21; 32])
}

fn trust() -> Trust {
    Trust { key: signer().verifying_key().to_bytes(), board: BOARD }
}

/// An image that can be told by its version.
fn image(version: u32, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at as u32).wrapping_mul(version * 2 + 1) as u8).collect()
}

fn head_of(version: u32, image: &[u8]) -> Head {
    let digest = Sha256::digest(image).into();
    Head { board: BOARD, version, length: image.len() as u32, digest }
}

fn signed(head: &Head) -> [u8; IMAGE_HEAD] {
    head.with_signature(&signer().sign(&head.signed()).to_bytes())
}

fn send(updater: &mut Updater<RamFlash>, image: &[u8]) -> Result<(), UpdateError> {
    for (at, part) in image.chunks(88).enumerate() {
        updater.part(at as u32 * 88, part)?;
    }
    Ok(())
}

fn install(flash: RamFlash, version: u32, length: usize) -> (RamFlash, Result<u32, UpdateError>) {
    let mut updater = Updater::open(flash, trust()).unwrap();
    let image = image(version, length);
    let done = updater
        .begin(&signed(&head_of(version, &image)))
        .and_then(|()| send(&mut updater, &image))
        .and_then(|()| updater.end());
    (updater.into_flash(), done)
}

fn confirm(flash: RamFlash, version: u32) -> RamFlash {
    let mut updater = Updater::open(flash, trust()).unwrap();
    updater.confirm(version).unwrap();
    updater.into_flash()
}

/// A board that runs version 5 from slot B, confirmed.
fn board() -> RamFlash {
    let (flash, done) = install(RamFlash::new(SECTORS), 5, 9_001);
    assert_eq!(done, Ok(5));
    let mut flash = flash;
    let choice = choose(&mut flash, &trust()).unwrap().unwrap();
    assert_eq!(choice, Choice { slot: Slot::B, version: 5, length: 9_001, rolled_back: None });
    confirm(flash, 5)
}

fn running(flash: &mut RamFlash) -> Option<u32> {
    choose(flash, &trust()).unwrap().map(|choice| choice.version)
}

#[test]
fn a_newer_image_runs_once_it_is_whole_and_stays_once_it_is_confirmed() {
    let (mut flash, done) = install(board(), 6, 12_000);
    assert_eq!(done, Ok(6));
    assert_eq!(running(&mut flash), Some(6));
    let mut flash = confirm(flash, 6);
    for _ in 0..10 {
        assert_eq!(running(&mut flash), Some(6));
    }
    assert_eq!(Updater::open(flash, trust()).unwrap().floor(), 6);
}

#[test]
fn an_image_that_does_not_prove_itself_is_given_up() {
    let (mut flash, _) = install(board(), 6, 12_000);
    let starts: Vec<_> = (0..5).map(|_| choose(&mut flash, &trust()).unwrap().unwrap()).collect();
    let versions: Vec<_> = starts.iter().map(|c| c.version).collect();
    assert_eq!(versions, [6, 6, 6, 5, 5]);
    let rolled: Vec<_> = starts.iter().filter_map(|c| c.rolled_back).collect();
    assert_eq!(rolled, [6]);
    // It may come again, mended or not.
    assert_eq!(install(flash, 6, 12_000).1, Ok(6));
}

#[test]
fn what_is_refused() {
    let check = |spoil: &dyn Fn(&mut Head), forge: bool, expect: UpdateError| {
        let mut head = head_of(6, &image(6, 100));
        spoil(&mut head);
        let mut bytes = signed(&head);
        if forge {
            let stranger = SigningKey::from_bytes(&[22; 32]);
            bytes = head.with_signature(&stranger.sign(&head.signed()).to_bytes());
        }
        let mut updater = Updater::open(board(), trust()).unwrap();
        assert_eq!(updater.begin(&bytes), Err(expect));
        assert_eq!(updater.part(0, &[0; 8]), Err(UpdateError::OutOfOrder));
        assert_eq!(updater.end(), Err(UpdateError::OutOfOrder));
    };
    check(&|_| {}, true, UpdateError::Signature);
    check(&|head| head.version = 5, false, UpdateError::Older);
    check(&|head| head.version = 4, false, UpdateError::Older);
    check(&|head| head.board = 1, false, UpdateError::Image);
    check(&|head| head.length = 0, false, UpdateError::Image);
    check(&|head| head.length = 12_288 - 127, false, UpdateError::Image);
    // Any byte of a head that is changed after it was signed.
    let head = signed(&head_of(6, &image(6, 100)));
    let mut updater = Updater::open(board(), trust()).unwrap();
    for at in 0..IMAGE_HEAD {
        let mut changed = head;
        changed[at] ^= 1;
        assert!(updater.begin(&changed).is_err(), "{at}");
    }
    assert_eq!(updater.begin(&head), Ok(()));
}

#[test]
fn an_image_that_is_not_what_its_head_says_never_runs() {
    let mut updater = Updater::open(board(), trust()).unwrap();
    let mut other = image(6, 9_000);
    let head = signed(&head_of(6, &other));
    other[4_000] ^= 1;
    updater.begin(&head).unwrap();
    send(&mut updater, &other).unwrap();
    assert_eq!(updater.end(), Err(UpdateError::Image));
    assert_eq!(running(&mut updater.into_flash()), Some(5));
}

#[test]
fn parts_come_in_order_and_the_last_may_come_again() {
    let mut updater = Updater::open(board(), trust()).unwrap();
    let image = image(6, 300);
    updater.begin(&signed(&head_of(6, &image))).unwrap();
    assert_eq!(updater.part(88, &image[88..176]), Err(UpdateError::OutOfOrder));
    assert_eq!(updater.part(0, &image[..88]), Ok(()));
    assert_eq!(updater.part(0, &image[..88]), Ok(()));
    assert_eq!(updater.part(88, &image[88..171]), Err(UpdateError::OutOfOrder));
    assert_eq!(updater.part(88, &image[88..176]), Ok(()));
    assert_eq!(updater.end(), Err(UpdateError::OutOfOrder));
}

#[test]
fn damage_in_flash_is_not_started() {
    let mut flash = board();
    let base = slot_base(&flash, Slot::B);
    flash.damage(base as usize + 5_000);
    assert_eq!(running(&mut flash), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The power is cut at any byte of updates, confirmations and starts: what starts is always
    /// whole, and never older than what was confirmed.
    #[test]
    fn a_power_cut_leaves_the_old_image_or_the_new(
        cuts in prop::collection::vec((0u64..40_000, any::<bool>()), 1..12),
        seed: u64,
    ) {
        let mut flash = board();
        flash.seed(seed);
        let (mut confirmed, mut next) = (5, 6);
        for (cut, small) in cuts {
            flash.cut_after(if small { cut % 300 } else { cut });
            let (after, done) = install(flash, next, 8_200);
            flash = after;
            let taken = done.is_ok();
            let _ = choose(&mut flash, &trust());
            flash.power_on();
            let version = running(&mut flash);
            prop_assert!(version.is_some_and(|v| v >= confirmed), "{version:?} {confirmed}");
            let version = version.unwrap_or_default();
            prop_assert!(version == confirmed || version == next);
            prop_assert!(!taken || version == next);
            if version == next {
                flash.cut_after(cut % 50);
                let mut updater = Updater::open(flash, trust()).unwrap();
                if updater.confirm(next).is_ok() {
                    confirmed = next;
                    next += 1;
                }
                flash = updater.into_flash();
                flash.power_on();
            }
        }
    }
}
