//! Journal, keyring, directory, outbox and views.
