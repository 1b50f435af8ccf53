use super::*;
use crate::insn::{Cond, Size, Source};

/// `tcpdump -y EN10MB -d ip`, and with `-dd` and `-ddd`.
const LISTING: &str = "(000) ldh      [12]
(001) jeq      #0x800           jt 2\tjf 3
(002) ret      #262144
(003) ret      #0
";
const INITIALISERS: &str = "{ 0x28, 0, 0, 0x0000000c },
{ 0x15, 0, 1, 0x00000800 },
{ 0x6, 0, 0, 0x00040000 },
{ 0x6, 0, 0, 0x00000000 },
";
const NUMBERS: &str = "4
40 0 0 12
21 0 1 2048
6 0 0 262144
6 0 0 0
";

fn program() -> Vec<Insn> {
    vec![
        Insn::LoadAbs { size: Size::H, k: 12 },
        Insn::JumpIf { cond: Cond::Eq, src: Source::K(0x800), jt: 0, jf: 1 },
        Insn::RetK(262_144),
        Insn::RetK(0),
    ]
}

#[test]
fn tcpdumps_forms_are_told_apart_and_printed_back() {
    let bytes = b"\x28\0\0\0\x0c\0\0\0\x15\0\0\x01\0\x08\0\0\x06\0\0\0\0\0\x04\0\x06\0\0\0\0\0\0\0";
    for (form, text) in [
        (Form::Listing, LISTING.as_bytes()),
        (Form::Initialisers, INITIALISERS.as_bytes()),
        (Form::Numbers, NUMBERS.as_bytes()),
        (Form::Bytes, bytes),
    ] {
        assert_eq!(parse(text), Ok((form, program())));
        assert_eq!(print(&program(), form), text, "{form:?}");
    }
}

#[test]
fn freely_spaced_text_is_read() {
    let text = "\n  ( 0)  ldh [ 0xc ]\n\n(1) jeq #2048 jt 2 jf 3\n(2)ret #0x40000\r\n(3) ret #0";
    assert_eq!(parse(text.as_bytes()), Ok((Form::Listing, program())));
    let text = "{0x28,0,0,12},{";
    assert!(parse(text.as_bytes()).is_err());
    let text = "{40,0,0,12}\n{21,0,1,2048}\n\n{6,0,0,262144},\n{6,0,0,0}";
    assert_eq!(parse(text.as_bytes()), Ok((Form::Initialisers, program())));
}

/// Each input with the error it gives.
#[test]
fn errors_name_the_place() {
    for (input, error) in [
        ("", "1:1: program begins like none of the forms of tcpdump -d"),
        (" ldh [12]", "1:1: program begins like none of the forms of tcpdump -d"),
        ("(000) ldq      [12]", "1:7: no instruction is named ldq"),
        ("(000) ldh      [12", "1:19: expected ], found the end of the line"),
        ("(000) ldh      [12] x", "1:21: expected the end of the line, found 'x'"),
        ("(000) ldh      [mars]", "1:17: no ancillary data is named mars"),
        ("(000) ldh      [4294967296]", "1:17: 4294967296 is not an offset of 32 bits"),
        ("(000) ldh      #5", "1:16: no instruction is ldh #5"),
        ("(000) st       x", "1:16: no instruction is st x"),
        ("(000) st       M[16]", "1:16: instruction 0 uses memory word 16, which does not exist"),
        ("(000) ret      #0\n(002) ret      #0", "2:2: instruction has number 1, not 2"),
        ("(000) jeq      #1  jt 0  jf 1", "1:23: instruction 0 is not 1 to 256 ahead of the jump"),
        (
            "(000) jeq      x  jt 1  jf 257",
            "1:28: instruction 257 is not 1 to 256 ahead of the jump",
        ),
        ("(000) jeq      x  jt 1", "1:23: expected jf, found the end of the line"),
        ("{ 0x28, 0, 0, 0x0000000c }; ", "1:27: expected the end of the line, found ';'"),
        ("{ 0x28, 0, 256, 0x0000000c },", "1:12: 256 is not a distance of 8 bits"),
        ("{ 0xff, 0, 0, 0 },", "1:1: instruction 0 has unknown opcode 0xff"),
        ("2\n6 0 0 0\n", "1:1: program has 1 instructions, not 2"),
        ("1\n65542 0 0 0\n", "2:1: 65542 is not an opcode of 16 bits"),
        ("1\n6 0 0\n", "2:6: expected a constant of 32 bits, found the end of the line"),
        ("\x06\0\0\0\0\0\0\0\x06\0\0", "1:9: last instruction has 3 of its 8 bytes"),
        ("\x06\0\0\0\0\0\0\0\x09\0\0\0\0\0\0\0", "1:9: instruction 1 has unknown opcode 0x09"),
    ] {
        let found = parse(input.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(found, Err(error.to_owned()), "{input:?}");
    }
    let error = parse(b"(000) ret #0\n(001)\xff").unwrap_err();
    assert_eq!(error.to_string(), "2:6: byte is not part of UTF-8 text");
}

#[test]
fn any_input_is_read_or_refused() {
    arbtest::arbtest(|u| {
        let mut input =
            print(&program(), *u.choose(&[Form::Listing, Form::Initialisers, Form::Numbers])?);
        for _ in 0..u.int_in_range(0..=4)? {
            let at = u.choose_index(input.len())?;
            input[at] = if u.arbitrary()? {
                *u.choose(b" 019x#[]{}(),-\nM&*\xc3")?
            } else {
                u.arbitrary()?
            };
        }
        if let Ok((form, insns)) = parse(&input) {
            assert_eq!(parse(&print(&insns, form)), Ok((form, insns)));
        }
        Ok(())
    })
    .budget_ms(1_000);
}
