//! Writes `examples/sample.pcap`.
//!
//! `cargo run -p netloom-cli --example make_sample -- examples/sample.pcap`; a test holds the
//! committed file to these bytes.

mod traffic;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: make_sample FILE")?;
    std::fs::write(path, traffic::capture(&traffic::web_server())?)?;
    Ok(())
}
