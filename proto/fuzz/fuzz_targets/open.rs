//! Nothing that was not sealed opens, and nothing panics on the way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_proto::message::{CheckIn, Command, Hello, Receipt, Welcome};
use muster_proto::seal::{Keys, Sealed};

fuzz_target!(|bytes: &[u8]| {
    let keys = Keys::derive(&[7; 32], "gate").unwrap();
    macro_rules! refuse {
        ($($kind:ty),+) => {$(
            let mut copy = bytes.to_vec();
            if let Ok(sealed) = Sealed::<$kind>::parse(&mut copy) {
                assert!(sealed.open(&keys).is_err());
            }
        )+};
    }
    refuse!(CheckIn<'_>, Hello<'_>, Receipt, Welcome, Command);
});
