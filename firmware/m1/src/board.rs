//! Boards. The rest of the image names `board` and means the one chosen here.

mod lm3s6965evb;

pub(crate) use lm3s6965evb::*;
