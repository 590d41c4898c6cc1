//! Part of a flash as a flash of its own: so queue, user list, event log and images share a chip.

use core::cell::RefCell;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

/// So many bytes of a shared flash, from an offset on.
pub struct Region<'f, F> {
    flash: &'f RefCell<F>,
    from: u32,
    length: u32,
}

/// A region of a flash did not do it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegionError<E> {
    /// It lies outside the region, or the flash is being used at this moment.
    Misuse,
    /// The flash's own word.
    Flash(E),
}

impl<E: NorFlashError> NorFlashError for RegionError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Misuse => NorFlashErrorKind::OutOfBounds,
            Self::Flash(error) => error.kind(),
        }
    }
}

impl<'f, F: NorFlash> Region<'f, F> {
    /// `sectors` sectors from sector `first` on; `None` if the flash has no such sectors.
    pub fn new(flash: &'f RefCell<F>, first: usize, sectors: usize) -> Option<Self> {
        let capacity = flash.try_borrow().ok()?.capacity();
        let from = first.checked_mul(F::ERASE_SIZE)?;
        let length = sectors.checked_mul(F::ERASE_SIZE)?;
        let fits = from.checked_add(length).is_some_and(|end| end <= capacity);
        let (from, length) = (u32::try_from(from).ok()?, u32::try_from(length).ok()?);
        fits.then_some(Self { flash, from, length })
    }

    fn place(&self, offset: u32, length: usize) -> Result<u32, RegionError<F::Error>> {
        let end = u32::try_from(length).ok().and_then(|length| offset.checked_add(length));
        match end {
            Some(end) if end <= self.length => Ok(self.from + offset),
            _ => Err(RegionError::Misuse),
        }
    }

    fn with<T>(
        &self,
        use_it: impl FnOnce(&mut F) -> Result<T, F::Error>,
    ) -> Result<T, RegionError<F::Error>> {
        let mut flash = self.flash.try_borrow_mut().map_err(|_| RegionError::Misuse)?;
        use_it(&mut flash).map_err(RegionError::Flash)
    }
}

impl<F: NorFlash> ErrorType for Region<'_, F> {
    type Error = RegionError<F::Error>;
}

impl<F: NorFlash> ReadNorFlash for Region<'_, F> {
    const READ_SIZE: usize = F::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        let at = self.place(offset, bytes.len())?;
        self.with(|flash| flash.read(at, bytes))
    }

    fn capacity(&self) -> usize {
        self.length as usize
    }
}

impl<F: NorFlash> NorFlash for Region<'_, F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let length = to.checked_sub(from).ok_or(RegionError::Misuse)?;
        let at = self.place(from, length as usize)?;
        self.with(|flash| flash.erase(at, at + length))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let at = self.place(offset, bytes.len())?;
        self.with(|flash| flash.write(at, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::RamFlash;

    #[test]
    fn a_region_touches_nothing_outside_itself() {
        let flash = RefCell::new(RamFlash::new(4));
        let mut region = Region::new(&flash, 1, 2).unwrap();
        assert_eq!(region.capacity(), 8_192);
        region.write(0, &[1; 8]).unwrap();
        region.write(8_184, &[2; 8]).unwrap();
        for (offset, length) in [(8_192, 1), (8_185, 8), (u32::MAX, 8)] {
            let mut bytes = [0; 8];
            assert_eq!(region.read(offset, &mut bytes[..length]), Err(RegionError::Misuse));
        }
        assert_eq!(region.erase(4_096, 12_288), Err(RegionError::Misuse));
        region.erase(0, 4_096).unwrap();
        let bytes = flash.borrow().bytes().to_vec();
        let written: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at] != 0xFF).collect();
        assert_eq!(written, (12_280..12_288).collect::<Vec<_>>());
        assert!(Region::new(&flash, 3, 2).is_none());
    }
}
