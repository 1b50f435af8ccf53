//! Memory regions, helpers and the checked interpreter; safe for any program
