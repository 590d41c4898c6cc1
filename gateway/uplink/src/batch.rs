//! How parcels share a message: a single JSON object, or an array of them. Pure.

use muster_ledger::Parcel;

/// Parcels in one message.
pub const MAX_PARCELS: usize = 128;

/// Bytes of one message: parcels are at most 512 bytes each, with commas and brackets.
pub const MAX_BYTES: usize = MAX_PARCELS * 513 + 1;

/// Writes the payload for `parcels`: one as it is, several as an array.
pub fn payload(parcels: &[Parcel]) -> Vec<u8> {
    join(parcels.iter().map(Parcel::bytes), parcels.len() > 1)
}

/// Writes the payload as an array, however many there are.
pub fn array(parcels: &[Parcel]) -> Vec<u8> {
    join(parcels.iter().map(Parcel::bytes), true)
}

fn join<'a>(objects: impl Iterator<Item = &'a [u8]>, array: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    if array {
        out.push(b'[');
    }
    for (i, object) in objects.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(object);
    }
    if array {
        out.push(b']');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_joined() {
        let check = |objects: &[&str], array: bool, expect: &str| {
            let joined = join(objects.iter().map(|o| o.as_bytes()), array);
            assert_eq!(String::from_utf8(joined).unwrap(), expect);
        };
        check(&["{}"], false, "{}");
        check(&["{}"], true, "[{}]");
        check(&["{\"a\":1}", "{}"], true, "[{\"a\":1},{}]");
    }
}
