//! What several fuzz targets share.
//!
//! A target is one file in `targets`, small enough to be read whole: it turns bytes into what its
//! subject takes, and asserts more than that nothing panics: what is decoded encodes to the same
//! bytes, what is printed parses to the same thing, two engines agree. The seeds of a target are in
//! `seeds`, as text or as commented hex.

#![forbid(unsafe_code)]

pub mod assembly;
pub mod classic;
pub mod program;
