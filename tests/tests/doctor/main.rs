//! `muster doctor` and `muster check`: what is wrong is found before it hurts, with its cure; a
//! well box is well; a support bundle holds nothing personal.

mod bad_input;
mod broken;
mod bundle;
mod regions;
mod stage;
mod well;
