//! The communication centre: stores and forwards sealed check-ins.
