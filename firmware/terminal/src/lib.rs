//! All an M1 terminal does, over embedded traits.
