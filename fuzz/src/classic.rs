//! Classic programs: what is asserted of every one, wherever its instructions came from.

use std::sync::OnceLock;

use netloom_abi::{AttachType, Object, Program as Translated, ProgramType};
use netloom_cbpf::{
    CheckError, Device, Form, Insn, Packet, Program, Raw, Target, check, decode, encode, parse,
    print, run, translate,
};
use netloom_isa::{Syntax, listing};
use netloom_vm::{Context, Cpu, Machine, Options, XdpInput};

/// Bytes of `struct sock_filter`.
pub const INSN_BYTES: usize = 8;

/// What XDP tells of the device.
const DEVICE: Device = Device { ifindex: 1, hardware: 772 };

/// The text forms, which every sequence of instructions can be printed in.
const TEXTS: [Form; 3] = [Form::Listing, Form::Initialisers, Form::Numbers];

/// Encodes and prints the instructions, and gets them back from all of that.
///
/// # Panics
/// When something else comes back.
pub fn check_forms(insns: &[Insn]) {
    let raw = encode(insns);
    assert_eq!(decode(&raw).as_deref(), Ok(insns));
    for form in TEXTS {
        let text = print(insns, form);
        let again = parse(&text).unwrap_or_else(|error| panic!("{error} in {}", lossy(&text)));
        // Without instructions a listing is empty, which begins like no form.
        assert_eq!(again, (form, insns.to_vec()), "{}", lossy(&text));
    }
    let bytes = print(insns, Form::Bytes);
    assert_eq!(bytes, raw.iter().flat_map(|one| one.to_bytes()).collect::<Vec<_>>());
    // Instructions without a zero byte are taken for text; no valid program is like that.
    if bytes.contains(&0) {
        assert_eq!(parse(&bytes).as_ref(), Ok(&(Form::Bytes, insns.to_vec())));
    }
}

/// The elements in `bytes`; a rest that is shorter than one is left out.
#[must_use]
pub fn raws(bytes: &[u8]) -> Vec<Raw> {
    bytes.as_chunks::<INSN_BYTES>().0.iter().map(|one| Raw::from_bytes(*one)).collect()
}

/// Runs a program by its own interpreter and, translated, by the machine. A program that the target
/// has no translation for passes.
///
/// # Panics
/// When the results differ, or the translation faults or writes to the packet.
pub fn check_translation(program: &Program, target: Target, packet: &[u8]) {
    let Ok(insns) = translate(program, target) else { return };
    let mut input = Packet::new(packet);
    if target == Target::Socket {
        // All headers are at the begin of the machine's plain memory.
        (input.link, input.network) = (Some(0), Some(0));
    }
    input.metadata.device = Some(DEVICE);
    let text = listing(&insns, Syntax::PseudoC);
    let kind = match target {
        Target::Memory => ProgramType::Syscall,
        Target::Xdp => ProgramType::Xdp,
        Target::Socket => ProgramType::SocketFilter,
    };
    let translated = Translated {
        name: "filter".into(),
        kind,
        attach: AttachType::NONE,
        license: "GPL".into(),
        insns: insns.clone(),
        functions: Vec::new(),
        relocs: Vec::new(),
    };
    let object = Object { maps: Vec::new(), programs: vec![translated] };
    let machine = Machine::new(&object, Options::default()).expect("it asks for nothing");
    let mut bytes = packet.to_vec();
    let context = match target {
        Target::Xdp => Context::Xdp(XdpInput {
            frame: &mut bytes,
            ingress_ifindex: DEVICE.ifindex,
            rx_queue_index: 0,
            egress_ifindex: 0,
        }),
        Target::Memory | Target::Socket => Context::Memory(&mut bytes),
    };
    let result = machine.run(&mut Cpu::new(0), 0, context);
    let expected = Ok(u64::from(run(program, &input)));
    assert_eq!(result, expected, "{target:?} {program:?}\n{text}");
    assert_eq!(bytes, packet, "a filter writes nothing");
}

/// A valid program of the elements in `bytes`, in the same order.
///
/// What keeps the elements from being one is mended: opcodes and jumps are folded to those that
/// exist, and an instruction that is refused where it stands makes way for one that does nothing
/// but change a register. A valid program is its own image, so every one can be reached.
#[must_use]
pub fn repaired(bytes: &[u8]) -> Program {
    let raw = raws(bytes);
    let last = raw.len();
    let elements = raw.iter().enumerate();
    let mut insns: Vec<Insn> = elements.map(|(pc, raw)| element(*raw, last - pc)).collect();
    while let Err(error) = check(&insns) {
        match (error, error.pc()) {
            (CheckError::Empty | CheckError::NoReturn { .. }, _) => insns.push(Insn::RetA),
            (CheckError::TooLong { .. }, _) => insns.truncate(netloom_cbpf::INSNS_MAX - 1),
            (_, Some(pc)) => insns[pc] = Insn::Tax,
            (_, None) => unreachable!("all other reasons are about one instruction"),
        }
    }
    Program::new(insns).expect("it has been checked")
}

/// The instruction, with `room` instructions behind it if one more is appended.
fn element(raw: Raw, room: usize) -> Insn {
    let codes = codes();
    let known = codes.binary_search(&raw.code).is_ok();
    let code = if known { raw.code } else { codes[usize::from(raw.code) % codes.len()] };
    let mut insn = one(Raw { code, ..raw }).or_else(|| one(Raw { code, k: raw.k % 16, ..raw }));
    let fold = |distance: u8| u8::try_from(usize::from(distance) % room).unwrap_or(distance);
    match &mut insn {
        Some(Insn::JumpIf { jt, jf, .. }) => (*jt, *jf) = (fold(*jt), fold(*jf)),
        Some(Insn::Jump(distance)) => *distance %= u32::try_from(room).unwrap_or(u32::MAX),
        _ => {}
    }
    insn.unwrap_or(Insn::Txa)
}

/// All opcodes, in rising order.
fn codes() -> &'static [u16] {
    static CODES: OnceLock<Vec<u16>> = OnceLock::new();
    let exists = |code: &u16| one(Raw { code: *code, ..Raw::default() }).is_some();
    CODES.get_or_init(|| (0..=u16::MAX).filter(exists).collect())
}

fn one(raw: Raw) -> Option<Insn> {
    decode(&[raw]).ok()?.pop()
}

fn lossy(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text)
}
