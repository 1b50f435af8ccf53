//! Classic programs by every engine, with equal results.

mod kernel;
mod random;
