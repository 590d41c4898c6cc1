//! What the types forbid, shown by programs that must not compile.
//!
//! Each file in `tests/leak` tries one way round: biometric evidence out of intake, a receipt
//! without a commit, a parcel without a release or settled twice, a decision that the engine did
//! not make. Beside it lies what the compiler says, read by a person: a program that fails to
//! compile for another reason proves nothing.
//!
//! After a change that is meant, `TRYBUILD=overwrite cargo test -p muster-tests --test leak`
//! writes the messages anew; read each before it is committed.

#[test]
fn no_way_round_the_types_compiles() {
    trybuild::TestCases::new().compile_fail("leak/*.rs");
}
