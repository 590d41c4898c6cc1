//! What travels between an attendance device and the box.
