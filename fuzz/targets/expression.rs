//! Filter expressions from any text, up to the first zero byte, and any packet behind it, for every
//! link type. What compiles is a valid program, the same each time; it accepts whole packets or
//! none, its translation agrees with it, and no packet satisfies both an expression and its
//! negation. What does not compile is refused at a place in the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use netloom_cbpf::expression::{Options, SNAPLEN, compile};
use netloom_cbpf::{Packet, Program, Target, run};
use netloom_fuzz::classic::{check_forms, check_translation};
use netloom_packet::link::LinkType;

/// Those with a layout of their own.
const LINKS: [LinkType; 4] =
    [LinkType::ETHERNET, LinkType::RAW, LinkType::LINUX_SLL, LinkType::LINUX_SLL2];

/// Longer texts make the fuzzer slow and show nothing new.
const TEXT_BYTES_MAX: usize = 512;

fuzz_target!(|bytes: &[u8]| {
    let split = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (text, packet) = bytes.split_at(split);
    let packet = packet.get(1..).unwrap_or_default();
    let Ok(text) = str::from_utf8(text) else { return };
    if text.len() <= TEXT_BYTES_MAX {
        LINKS.iter().for_each(|link| check(text, *link, packet));
    }
});

fn check(text: &str, link: LinkType, packet: &[u8]) {
    let options = Options { netmask: Some(0xff00_0000), ..Options::new(link) };
    match compile(text, &options) {
        Ok(insns) => {
            assert_eq!(compile(text, &options).as_deref(), Ok(insns.as_slice()), "a second time");
            check_forms(&insns);
            let program =
                Program::new(insns).unwrap_or_else(|error| panic!("`{text}` for {link}: {error}"));
            let kept = run(&program, &Packet::new(packet));
            assert!(kept == 0 || kept == SNAPLEN, "`{text}` for {link} keeps {kept} bytes");
            check_translation(&program, Target::Memory, packet);
            if kept != 0
                && let Ok(insns) = compile(&format!("not ({text}\n)"), &options)
            {
                let negation = Program::new(insns).expect("as above");
                assert_eq!(run(&negation, &Packet::new(packet)), 0, "`{text}` for {link}, and not");
            }
        }
        Err(error) => {
            assert!(text.get(error.span.clone()).is_some(), "{error}: {:?}", error.span);
            assert!(!error.to_string().is_empty());
            let (line, column) = error.line_column(text);
            assert!(line <= text.split('\n').count() && column <= text.len() + 1);
        }
    }
}
