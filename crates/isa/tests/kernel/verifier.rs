//! The verifier and its log.

use netloom_abi::{AttachType, ProgramType};
use netloom_sys::Errno;
use netloom_sys::bpf::{LogDetail, Program, ProgramLoad};

/// Room for the log of a program of a few instructions.
const LOG_BYTES: usize = 1 << 14;

/// What the verifier writes about a program, whether it accepts it or not.
pub(crate) fn log(insns: &[u8]) -> String {
    load(insns).1
}

/// Why programs cannot be loaded here at all.
pub(crate) fn obstacle() -> Option<&'static str> {
    let exit = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    match load(&exit).0 {
        Some(Errno::PERM | Errno::ACCESS) => Some("needs CAP_BPF and CAP_NET_ADMIN"),
        Some(Errno::NOSYS) => Some("this kernel has no bpf(2)"),
        Some(other) => panic!("the shortest program is refused: {other}"),
        None => None,
    }
}

fn load(insns: &[u8]) -> (Option<Errno>, String) {
    let load = ProgramLoad {
        name: "form",
        // The type of most rights over instructions: it may load from packets, too.
        kind: ProgramType::SchedCls,
        attach: AttachType::new(0).expect("its number is 0"),
        license: "GPL",
        insns,
        types: None,
        func_info: &[],
        fds: &[],
    };
    let outcome = Program::load_logged(&load, LogDetail::States, LOG_BYTES);
    (outcome.result.err().and_then(|error| error.errno()), outcome.log)
}
