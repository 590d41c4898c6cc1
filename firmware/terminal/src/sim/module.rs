//! A fingerprint module at the level of its packets.

use std::collections::{BTreeSet, VecDeque};

/// What lies on the glass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Glass {
    Nothing,
    /// The finger whose template is on this page, with the score it matches with.
    Finger(u16, u16),
    Smudge,
}

/// A module with templates on some pages. Feed it what the driver sends, and the driver what it
/// answers.
#[derive(Debug)]
pub struct FingerModule {
    password: u32,
    logged_in: bool,
    pages: BTreeSet<u16>,
    glass: Glass,
    /// Looks at the glass before the finger is lifted.
    looks: u32,
    image: Glass,
    features: Glass,
    rx: Vec<u8>,
    answers: VecDeque<u8>,
}

impl FingerModule {
    /// As it ships: password 0, no templates but on `pages`.
    pub fn new(pages: impl IntoIterator<Item = u16>) -> Self {
        Self {
            password: 0,
            logged_in: false,
            pages: pages.into_iter().collect(),
            glass: Glass::Nothing,
            looks: 0,
            image: Glass::Nothing,
            features: Glass::Nothing,
            rx: Vec::new(),
            answers: VecDeque::new(),
        }
    }

    /// Puts a finger on the glass; it is lifted after the module has looked a few times.
    pub fn press(&mut self, page: u16, score: u16) {
        self.glass = Glass::Finger(page, score);
        self.looks = 3;
    }

    /// Puts something on the glass of which no features can be taken.
    pub fn smudge(&mut self) {
        self.glass = Glass::Smudge;
        self.looks = 3;
    }

    /// Takes whatever is on the glass away.
    pub fn lift(&mut self) {
        self.glass = Glass::Nothing;
    }

    /// Whether a finger is on the glass.
    pub fn is_pressed(&self) -> bool {
        self.glass != Glass::Nothing
    }

    /// Whether the driver has seen an empty glass since: the next finger counts as another.
    pub fn is_free(&self) -> bool {
        self.glass == Glass::Nothing && self.image == Glass::Nothing
    }

    /// The password it is set to.
    pub fn password(&self) -> u32 {
        self.password
    }

    /// Takes what the driver sends and returns what has been answered.
    pub fn exchange(&mut self, sent: &[u8]) -> Vec<u8> {
        self.rx.extend(sent);
        while let Some(at) = self.rx.windows(2).position(|w| w == [0xEF, 0x01]) {
            self.rx.drain(..at);
            let Some(&[high, low]) = self.rx.get(7..9) else { break };
            let end = 9 + usize::from(u16::from_be_bytes([high, low]));
            if end > 9 + 256 {
                self.rx.drain(..2);
                continue;
            }
            let Some(packet) = self.rx.get(..end).map(<[u8]>::to_vec) else { break };
            self.rx.drain(..end);
            self.command(&packet[6..]);
        }
        self.answers.drain(..).collect()
    }

    fn command(&mut self, packet: &[u8]) {
        let Some((checked, &[a, b])) = packet.split_last_chunk::<2>() else { return };
        let sum = checked.iter().fold(0u16, |s, &x| s.wrapping_add(x.into()));
        if sum != u16::from_be_bytes([a, b]) {
            return self.answer(&[0x01]);
        }
        match checked.get(3..) {
            Some(&[0x13, a, b, c, d]) => {
                self.logged_in = u32::from_be_bytes([a, b, c, d]) == self.password;
                self.answer(&[if self.logged_in { 0 } else { 0x13 }]);
            }
            _ if !self.logged_in => self.answer(&[0x21]),
            Some(&[0x12, a, b, c, d]) => {
                self.password = u32::from_be_bytes([a, b, c, d]);
                self.answer(&[0]);
            }
            Some(&[0x01]) => self.look(),
            Some(&[0x02, 1]) => self.extract(),
            Some(&[0x04, 1, ..]) => self.search(),
            _ => self.answer(&[0x01]),
        }
    }

    fn look(&mut self) {
        self.image = self.glass;
        self.looks = self.looks.saturating_sub(1);
        if self.looks == 0 {
            self.glass = Glass::Nothing;
        }
        self.answer(&[if self.image == Glass::Nothing { 0x02 } else { 0 }]);
    }

    fn extract(&mut self) {
        self.features = self.image;
        self.answer(&[if matches!(self.image, Glass::Finger(..)) { 0 } else { 0x06 }]);
    }

    fn search(&mut self) {
        match self.features {
            Glass::Finger(page, score) if self.pages.contains(&page) => {
                let ([a, b], [c, d]) = (page.to_be_bytes(), score.to_be_bytes());
                self.answer(&[0, a, b, c, d]);
            }
            _ => self.answer(&[0x09, 0, 0, 0, 0]),
        }
    }

    fn answer(&mut self, data: &[u8]) {
        let mut packet = vec![0x07];
        packet.extend((data.len() as u16 + 2).to_be_bytes());
        packet.extend(data);
        let sum = packet.iter().fold(0u16, |s, &x| s.wrapping_add(x.into()));
        self.answers.extend([0xEF, 0x01, 0xFF, 0xFF, 0xFF, 0xFF]);
        self.answers.extend(packet);
        self.answers.extend(sum.to_be_bytes());
    }
}
