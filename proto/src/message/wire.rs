//! Bounded reading and writing of little-endian values.

use super::{DecodeError, EncodeError};

/// Reads values from the front of a slice.
#[derive(Clone, Copy)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[b]| b)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, DecodeError> {
        self.array().map(i16::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_le_bytes)
    }

    /// A length byte and that many bytes of UTF-8.
    pub(crate) fn text(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        let len = self.u8()?;
        let bytes = self.bytes(len.into())?;
        core::str::from_utf8(bytes).map_err(|_| DecodeError::Value { field })
    }

    /// The next field's tag and value; none at the end.
    pub(crate) fn field(&mut self) -> Result<Option<(u8, &'a [u8])>, DecodeError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.u8()?;
        let len = usize::try_from(self.u32()?).map_err(|_| DecodeError::Truncated)?;
        Ok(Some((tag, self.bytes(len)?)))
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// Writes values into a slice.
pub struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let room = self.out.get_mut(self.at..).and_then(|o| o.get_mut(..bytes.len()));
        room.ok_or(EncodeError::NoRoom)?.copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(())
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        let len = u8::try_from(text.len()).map_err(|_| EncodeError::NoRoom)?;
        self.put(&[len])?;
        self.put(text.as_bytes())
    }

    /// Begins a field of `len` bytes, which the caller puts next.
    pub(crate) fn field(&mut self, tag: u8, len: usize) -> Result<(), EncodeError> {
        let len = u32::try_from(len).map_err(|_| EncodeError::NoRoom)?;
        self.put(&[tag])?;
        self.put(&len.to_le_bytes())
    }

    pub(crate) fn len(&self) -> usize {
        self.at
    }
}
