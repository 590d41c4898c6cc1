//! A fingerprint module at the level of its packets.

use std::collections::{BTreeMap, VecDeque};

/// What lies on the glass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Glass {
    Nothing,
    /// This finger, with the score it matches with. A new module knows a finger by the page of
    /// the same number.
    Finger(u16, u16),
    Smudge,
}

/// A module with templates on some pages. Feed it what the driver sends, and the driver what it
/// answers.
#[derive(Debug)]
pub struct FingerModule {
    password: u32,
    logged_in: bool,
    /// Templates by page.
    pages: BTreeMap<u16, Vec<u8>>,
    /// The two buffers of features.
    buffers: [Option<Vec<u8>>; 2],
    /// Data that is being taken in.
    incoming: Option<Vec<u8>>,
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
            pages: pages.into_iter().map(|page| (page, Self::template(page))).collect(),
            buffers: [None, None],
            incoming: None,
            glass: Glass::Nothing,
            looks: 0,
            image: Glass::Nothing,
            features: Glass::Nothing,
            rx: Vec::new(),
            answers: VecDeque::new(),
        }
    }

    /// The synthetic template of a finger, the same from every module.
    pub fn template(finger: u16) -> Vec<u8> {
        let seed = u64::from(finger).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let byte = |at: u64| (seed.wrapping_mul(at * 2 + 1) >> 29) as u8 ^ (seed >> 17) as u8;
        (0..512).map(byte).collect()
    }

    /// The pages that hold a template.
    pub fn pages(&self) -> impl Iterator<Item = u16> {
        self.pages.keys().copied()
    }

    /// Puts a finger on the glass; it is lifted after the module has looked a few times.
    pub fn press(&mut self, finger: u16, score: u16) {
        self.glass = Glass::Finger(finger, score);
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
        if let (Some(&id @ (0x02 | 0x08)), Some(data)) = (checked.first(), checked.get(3..)) {
            return self.take_data(id == 0x08, data);
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
            Some(&[0x02, buffer @ (1 | 2)]) => self.extract(buffer),
            Some(&[0x05]) => {
                let [one, two] = &self.buffers;
                let same = one.is_some() && one == two;
                self.answer(&[if same { 0 } else { 0x0A }]);
            }
            Some(&[0x06, buffer @ (1 | 2), a, b]) => {
                let features = self.buffers[usize::from(buffer) - 1].clone();
                let kept = features.map(|f| self.pages.insert(u16::from_be_bytes([a, b]), f));
                self.answer(&[if kept.is_some() { 0 } else { 0x18 }]);
            }
            Some(&[0x07, buffer @ (1 | 2), a, b]) => {
                let found = self.pages.get(&u16::from_be_bytes([a, b])).cloned();
                let code = if found.is_some() { 0 } else { 0x0C };
                self.buffers[usize::from(buffer) - 1] = found;
                self.answer(&[code]);
            }
            Some(&[0x08, buffer @ (1 | 2)]) => self.upload(buffer),
            Some(&[0x09, 1 | 2]) => {
                self.incoming = Some(Vec::new());
                self.answer(&[0]);
            }
            Some(&[0x0C, a, b, 0, 1]) => {
                self.pages.remove(&u16::from_be_bytes([a, b]));
                self.answer(&[0]);
            }
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

    fn extract(&mut self, buffer: u8) {
        self.features = self.image;
        let features = match self.image {
            Glass::Finger(finger, _) => Some(Self::template(finger)),
            Glass::Nothing | Glass::Smudge => None,
        };
        self.answer(&[if features.is_some() { 0 } else { 0x06 }]);
        self.buffers[usize::from(buffer) - 1] = features;
    }

    fn search(&mut self) {
        let found = self.pages.iter().find(|(_, t)| Some(*t) == self.buffers[0].as_ref());
        match (self.features, found) {
            (Glass::Finger(_, score), Some((page, _))) => {
                let ([a, b], [c, d]) = (page.to_be_bytes(), score.to_be_bytes());
                self.answer(&[0, a, b, c, d]);
            }
            _ => self.answer(&[0x09, 0, 0, 0, 0]),
        }
    }

    fn upload(&mut self, buffer: u8) {
        let Some(features) = self.buffers[usize::from(buffer) - 1].clone() else {
            return self.answer(&[0x0D]);
        };
        self.answer(&[0]);
        let parts = features.chunks(128).count();
        for (at, part) in features.chunks(128).enumerate() {
            self.say(if at + 1 == parts { 0x08 } else { 0x02 }, part);
        }
    }

    fn take_data(&mut self, last: bool, data: &[u8]) {
        let Some(incoming) = &mut self.incoming else { return };
        incoming.extend_from_slice(data);
        if last {
            self.buffers[0] = self.incoming.take();
        }
    }

    fn answer(&mut self, data: &[u8]) {
        self.say(0x07, data);
    }

    fn say(&mut self, id: u8, data: &[u8]) {
        let mut packet = vec![id];
        packet.extend((data.len() as u16 + 2).to_be_bytes());
        packet.extend(data);
        let sum = packet.iter().fold(0u16, |s, &x| s.wrapping_add(x.into()));
        self.answers.extend([0xEF, 0x01, 0xFF, 0xFF, 0xFF, 0xFF]);
        self.answers.extend(packet);
        self.answers.extend(sum.to_be_bytes());
    }
}
