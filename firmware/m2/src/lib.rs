//! The face terminal on embedded Linux.
