//! What a drained punch costs of the card, however long the queue is.

use super::*;
use crate::card::{BLOCK, CardFlash, format};
use crate::sim::RamCard;

type OnCard = FlashQueue<CardFlash<RamCard>, SLOT>;

/// Blocks of a card of 4 MiB.
const CARD: u32 = 8_192;
const QUEUED: u64 = 10_000;
/// Card reads that finding, sending and marking one punch may take, in the mean.
const READS: u64 = 4;
/// The same of a receipt that comes once more, or of a punch that was asked for by its stamp.
const READS_ANEW: u64 = 25;

fn full() -> OnCard {
    let mut card = RamCard::new(CARD);
    format(&mut card).unwrap();
    assert_eq!(card.bytes().len(), CARD as usize * BLOCK);
    let mut queue = OnCard::open(CardFlash::open(card).unwrap(), keys()).unwrap();
    for tell in 0..QUEUED {
        queue.push(punch(tell, "00017")).unwrap();
    }
    OnCard::open(queue.into_flash(), keys()).unwrap()
}

fn reads(queue: &OnCard) -> u64 {
    queue.flash().blocks().reads()
}

/// As the link does it: up to eight are under way, each is read once and receipted once.
#[test]
fn a_long_queue_drains_at_a_few_card_reads_a_punch() {
    let mut queue = full();
    let (begun, written) = (reads(&queue), queue.flash().blocks().writes());
    let (mut cursor, mut under_way) = (Stamp::default(), Vec::new());
    let mut buf = [0; SLOT];
    loop {
        if let Some(stamp) = queue.next(cursor, Which::Waiting) {
            cursor = stamp;
            assert!(queue.read(stamp, &mut buf).is_some());
            under_way.push(stamp);
        } else if under_way.is_empty() {
            break;
        }
        if under_way.len() == 8 || cursor.seq == QUEUED {
            queue.receipted(under_way.remove(0));
        }
    }
    assert_eq!(queue.waiting(), 0);
    let written = queue.flash().blocks().writes() - written;
    let each = (reads(&queue) - begun).div_ceil(QUEUED);
    assert!(each <= READS, "{each} reads");
    // The mark of the receipt: a spare, its record, the block.
    assert_eq!(written, 3 * QUEUED);
}

/// After a pause of the box everything under way goes again, and its receipts come twice: if
/// those cost more than sending did, the terminal never gets out of it.
#[test]
fn what_comes_again_costs_no_look_through_the_ring() {
    let mut queue = full();
    let mut worst = 0;
    for seq in (1..=QUEUED).step_by(97) {
        let (stamp, before) = (Stamp { boot: 1, seq }, reads(&queue));
        queue.receipted(stamp);
        let first = reads(&queue) - before;
        queue.recent.clear();
        let before = reads(&queue);
        queue.receipted(stamp);
        let again = reads(&queue) - before;
        queue.recent.clear();
        let before = reads(&queue);
        let wanted = Stamp { seq: seq - 1, ..stamp };
        assert_eq!(queue.next(wanted, Which::Kept), Some(stamp));
        worst = worst.max(first).max(again).max(reads(&queue) - before);
    }
    assert!(worst <= READS_ANEW, "{worst}");
}
