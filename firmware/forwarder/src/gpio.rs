//! Pins of embedded Linux, by chip and line, over `linux-embedded-hal`.
//!
//! What the programs do with pins is generic over the traits of embedded-hal and tested with
//! mocks; here a line of the configuration becomes such a pin. A pin that is not configured is
//! there all the same, and does nothing.

use embedded_hal::digital::{ErrorKind, ErrorType, InputPin, OutputPin};
use linux_embedded_hal::gpio_cdev::{Chip, LineRequestFlags};
use linux_embedded_hal::{CdevPin, CdevPinError};
use serde::Deserialize;
use std::path::PathBuf;

/// A line of a GPIO chip, as `{ chip = "/dev/gpiochip0", line = 17 }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinConfig {
    /// The chip's device.
    pub chip: PathBuf,
    /// The line's number on it.
    pub line: u32,
    /// An output is on when its line is high, and a button pressed when its line is low, unless
    /// inverted.
    #[serde(default)]
    pub inverted: bool,
}

/// A pin of this machine, or none.
pub struct Pin {
    pin: Option<CdevPin>,
    inverted: bool,
}

/// A pin's line cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{chip} line {line} cannot be had: {source}; `gpioinfo` shows who has it")]
pub struct PinError {
    chip: PathBuf,
    line: u32,
    source: CdevPinError,
}

impl Pin {
    /// Takes the line as an output that is off; without a configuration, no line.
    pub fn output(config: Option<&PinConfig>, what: &str) -> Result<Self, PinError> {
        Self::take(config, LineRequestFlags::OUTPUT, what)
    }

    /// Takes the line as an input; without a configuration, one that is never pressed.
    pub fn input(config: Option<&PinConfig>, what: &str) -> Result<Self, PinError> {
        Self::take(config, LineRequestFlags::INPUT, what)
    }

    fn take(
        config: Option<&PinConfig>,
        flags: LineRequestFlags,
        what: &str,
    ) -> Result<Self, PinError> {
        let Some(PinConfig { chip, line, inverted }) = config else {
            return Ok(Self { pin: None, inverted: false });
        };
        let refused = |source| PinError { chip: chip.clone(), line: *line, source };
        let off = u8::from(*inverted);
        let request = || -> Result<CdevPin, linux_embedded_hal::gpio_cdev::Error> {
            let line = Chip::new(chip)?.get_line(*line)?;
            CdevPin::new(line.request(flags, off, what)?)
        };
        let pin = request().map_err(|error| refused(CdevPinError::from(error)))?;
        Ok(Self { pin: Some(pin), inverted: *inverted })
    }
}

/// What a line said.
#[derive(Debug)]
pub struct LineFault(ErrorKind);

impl embedded_hal::digital::Error for LineFault {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

impl From<CdevPinError> for LineFault {
    fn from(error: CdevPinError) -> Self {
        Self(embedded_hal::digital::Error::kind(&error))
    }
}

impl ErrorType for Pin {
    type Error = LineFault;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), LineFault> {
        self.write(false)
    }

    fn set_high(&mut self) -> Result<(), LineFault> {
        self.write(true)
    }
}

impl Pin {
    fn write(&mut self, on: bool) -> Result<(), LineFault> {
        let level = on != self.inverted;
        match &mut self.pin {
            Some(pin) => Ok(pin.set_state(level.into())?),
            None => Ok(()),
        }
    }
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, LineFault> {
        Ok(!self.is_low()?)
    }

    fn is_low(&mut self) -> Result<bool, LineFault> {
        match &mut self.pin {
            Some(pin) => Ok(pin.is_low()? != self.inverted),
            None => Ok(false),
        }
    }
}
