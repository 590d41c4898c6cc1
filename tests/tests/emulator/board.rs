//! What is on the board beside the line: the display and the watchdog.

use crate::stage::{RECEIPTS, Stage};
use muster_tests::debugger::hang;
use muster_tests::emulated::image;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The watchdog resets after twice twenty seconds, and the start comes on top.
const WATCHDOG: Duration = Duration::from_secs(75);
/// Where the image lies in the flash, behind the boot loader.
const IMAGE: usize = 32 << 10;
/// How long the display may take to show something.
const SHOWN: Duration = Duration::from_secs(10);
/// Rows and columns of text, and pixels of a letter; the emulator draws four for each.
const ROWS: usize = 6;
const COLUMNS: usize = 21;
const LETTER: (usize, usize) = (6, 10);
const SCALE: usize = 4;

/// This takes as long as the watchdog does, and next to no processor.
#[test]
fn a_firmware_that_hangs_is_reset_by_the_watchdog_and_loses_nothing() {
    let mut stage = Stage::new().unwrap();
    stage.m1.power_on().unwrap();
    stage.m1.punch(0).unwrap();
    stage.m1.drain(1, RECEIPTS).unwrap();
    let flash = std::fs::read(image().unwrap()).unwrap();
    let sockets = stage.m1.card().parent().unwrap().to_owned();
    hang(stage.m1.machine().unwrap(), &flash, IMAGE, &sockets).unwrap();
    let begun = Instant::now();
    stage.m1.said("ready boot 2 ", WATCHDOG).unwrap();
    println!("reset after {:?}", begun.elapsed());
    assert_eq!(stage.m1.starts().unwrap(), 2);
    assert_eq!(stage.m1.punch_unlisted(1).unwrap().sign, "Accepted");
}

#[test]
fn the_display_says_how_it_stands() {
    let mut stage = Stage::new().unwrap();
    stage.m1.power_on().unwrap();
    let name = "m1-door";
    shows(&mut stage, [name, "Box connected", "All sent", "", "", ""]);
    stage.m1.wire().cut.store(true, std::sync::atomic::Ordering::SeqCst);
    stage.m1.punch(0).unwrap();
    shows(&mut stage, [name, "Box connected", "1 not sent yet", "", "", "Accepted"]);
    stage.m1.type_keys("123456789012345678").unwrap();
    shows(&mut stage, [name, "Box connected", "1 not sent yet", "", "", "PIN not taken"]);
}

/// Waits until the display can only be these words: each letter has one picture wherever it
/// stands, no two letters share one, and there is nothing where nothing is said.
fn shows(stage: &mut Stage, rows: [&str; ROWS]) {
    let begun = Instant::now();
    loop {
        let pictures = pictures(stage);
        match mistake(&pictures, rows) {
            None => return,
            Some(mistake) => assert!(begun.elapsed() < SHOWN, "{rows:?}: {mistake}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Pixels of one letter, from the left and from the top.
type Picture = Vec<bool>;

fn mistake(pictures: &[Vec<Picture>], rows: [&str; ROWS]) -> Option<String> {
    let (mut of_letter, mut of_picture) = (BTreeMap::new(), BTreeMap::new());
    for (row, (words, pictures)) in rows.iter().zip(pictures).enumerate() {
        for (column, picture) in pictures.iter().enumerate().take(COLUMNS) {
            let letter = words.chars().nth(column).unwrap_or(' ');
            if letter == ' ' && picture.contains(&true) {
                return Some(format!("something at {row} {column}"));
            }
            let same = *of_letter.entry(letter).or_insert(picture) == picture
                && *of_picture.entry(picture).or_insert(letter) == letter;
            if !same {
                return Some(format!("no {letter:?} at {row} {column}"));
            }
        }
    }
    None
}

/// What the display shows, letter by letter.
fn pictures(stage: &mut Stage) -> Vec<Vec<Picture>> {
    let file = stage.dir.path().join("screen.ppm");
    let arguments = format!(r#"{{"filename":"{}"}}"#, file.display());
    let dump = format!(r#"{{"execute":"screendump","arguments":{arguments}}}"#);
    stage.m1.machine().unwrap().ask(&dump).unwrap();
    let bytes = std::fs::read(file).unwrap();
    // `P6`, width and height, 255, each followed by one blank or line end; then red, green, blue.
    let head: Vec<&[u8]> = bytes.splitn(5, |byte| byte.is_ascii_whitespace()).collect();
    let width: usize = std::str::from_utf8(head[1]).unwrap().parse().unwrap();
    let pixels = head[4];
    let lit = |x: usize, y: usize| pixels[3 * (y * SCALE * width + x * SCALE)] > 127;
    let (wide, high) = LETTER;
    let letter = |row: usize, column: usize| -> Picture {
        let dots = (0..high).flat_map(|y| (0..wide).map(move |x| (x, y)));
        dots.map(|(x, y)| lit(column * wide + x, row * high + y)).collect()
    };
    (0..ROWS).map(|row| (0..COLUMNS).map(|column| letter(row, column)).collect()).collect()
}
