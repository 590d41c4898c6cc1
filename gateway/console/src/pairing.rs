//! What the page needs to pair a terminal at the wall; the box makes the code.

use muster_ledger::DeviceKind;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// A terminal that is to be paired.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Its name: 1 to 64 characters, none of `/ + #`.
    pub name: String,
    /// M2 or C1; an M1 is paired by its card.
    pub kind: DeviceKind,
    /// The C1 that speaks for it.
    pub carrier: Option<String>,
    /// The box as the terminal reaches it; without it, the name or address that the box knows.
    pub host: Option<String>,
}

/// What is shown once. Good for one terminal, and for [`PairingCode::expires_in`].
pub struct PairingCode {
    /// For a QR code, or to be typed: `muster-pair://HOST:PORT/#CODE.FINGERPRINT`.
    pub link: Zeroizing<String>,
    /// The code alone, in groups of four.
    pub code: Zeroizing<String>,
    /// Where the terminal finds the box.
    pub address: String,
    /// SHA-256 of the authority's certificate, in pairs with colons.
    pub fingerprint: String,
    /// How long the code can be used.
    pub expires_in: Duration,
}

/// Makes a code; may wait, so it is called where waiting is allowed. An error is a sentence for
/// people. Whether the terminal has come since, the table of devices says: its name is there,
/// paired, and then last seen.
pub type Pair = Arc<dyn Fn(NewDevice) -> Result<PairingCode, String> + Send + Sync>;

/// An M1 that is to be.
#[derive(Clone, Debug)]
pub struct NewCard {
    /// Its name: 1 to 64 characters, none of `/ + #`.
    pub name: String,
    /// Its address on a shared serial line; 1 where it has a line of its own.
    pub address: u8,
}

/// Pairs an M1 and makes the image of its card, which holds its secret: given out once. May wait,
/// so it is called where waiting is allowed. An error is a sentence for people.
pub type Card = Arc<dyn Fn(NewCard) -> Result<Zeroizing<Vec<u8>>, String> + Send + Sync>;
