//! The crate against the running kernel: private network namespaces and private directories only, so
//! that several copies of these tests can run at once.

#[cfg(test)]
mod attach;
#[cfg(test)]
mod contexts;
#[cfg(test)]
mod load;
#[cfg(test)]
mod probe;
#[cfg(test)]
mod ring;
#[cfg(test)]
mod run;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod store;
#[cfg(test)]
mod tables;
