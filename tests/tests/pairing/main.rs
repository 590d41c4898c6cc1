//! Pairing at the wall, with the real programs: a code is made on the box, a terminal comes with it
//! over the one port that its network has open, and its first punch shows it; certificates renew
//! themselves, whatever a clock shows; a lost device is shut out in one step.

mod renewal;
mod wall;
