//! The crate against the running kernel's maps: the same calls on both, results compared.

#[cfg(test)]
mod batch;
#[cfg(test)]
mod create;
#[cfg(test)]
mod entries;
#[cfg(test)]
mod pair;
#[cfg(test)]
mod special;
