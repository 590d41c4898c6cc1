//! Residency: law pack, policy and facts in; decision, fields and reasons out.
