//! Sends equal frames as fast as one processor can.
//!
//! An XDP program of a few instructions runs on live frames (`BPF_PROG_TEST_RUN`) and redirects each
//! to the sending end of a veth pair. That is what a network driver does with its frames: the
//! receiver finds bare buffers in a ring, and whatever a socket buffer costs it, the receiver pays.

use netloom_abi::{AttachType, Object, Program as Source, ProgramType, xdp};
use netloom_isa::{AluOp, Builder, Cond, Imm64, Insn, Reg, Size};
use netloom_kernel::{LoadOptions, Vmlinux, load_object};
use netloom_sys::bpf::Program;

use crate::error::BenchError;
use crate::frame::FRAME_BYTES;
use crate::machine;

/// `BPF_FUNC_redirect` in `linux/bpf.h`: device number, flags.
const REDIRECT: u32 = 23;
/// `struct xdp_md` in `linux/bpf.h`: offsets of `data` and `data_end`.
const DATA: i16 = 0;
const DATA_END: i16 = 4;

/// Sends one frame through one device, again and again.
#[derive(Debug)]
pub(crate) struct Generator {
    program: Program,
    frame: [u8; FRAME_BYTES],
}

/// What sending took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// Frames, also those that found the receiver's ring full.
    pub(crate) frames: u32,
    /// Time on the processor.
    pub(crate) on_cpu_ns: u64,
}

impl Generator {
    /// A generator of `frame` to device `ifindex` of the namespace in which it will be started.
    pub(crate) fn new(frame: [u8; FRAME_BYTES], ifindex: u32) -> Result<Self, BenchError> {
        let object = Object { maps: Vec::new(), programs: vec![source(&frame, ifindex)] };
        let options = LoadOptions { vmlinux: &Vmlinux::running(), reuse: &[] };
        let mut loaded = load_object(&object, &options).map_err(BenchError::Load)?;
        let program = loaded.programs.pop().expect("the object has one program");
        Ok(Self { program, frame })
    }

    /// Sends `frames` frames from `processor`, on which the calling thread is bound meanwhile.
    pub(crate) fn send(&self, frames: u32, processor: usize) -> Result<Sent, BenchError> {
        let thread = "/proc/thread-self";
        machine::bound(processor, || {
            let before = machine::on_cpu_ns(thread)?;
            self.program.send_live_frames(&self.frame, frames).map_err(BenchError::Bpf)?;
            let after = machine::on_cpu_ns(thread)?;
            Ok(Sent { frames, on_cpu_ns: after - before })
        })?
    }
}

/// Writes the whole frame, since a recycled one holds what the last receiver left, and redirects it.
fn source(frame: &[u8; FRAME_BYTES], ifindex: u32) -> Source {
    let mut code = Builder::new();
    let short = code.label();
    code.load(Size::W, Reg::R2, Reg::R1, DATA);
    code.load(Size::W, Reg::R3, Reg::R1, DATA_END);
    code.mov(Reg::R4, Reg::R2);
    code.alu(AluOp::Add, Reg::R4, i32::try_from(FRAME_BYTES).expect("a small frame"));
    code.jump_if(Cond::Gt, Reg::R4, Reg::R3, short);
    let (words, rest) = frame.as_chunks::<8>();
    let mut off = 0;
    for word in words {
        let value = Imm64::Value(u64::from_ne_bytes(*word));
        code.push(Insn::LoadImm64 { dst: Reg::R5, value });
        code.store(Size::Dw, Reg::R2, off, Reg::R5);
        off += 8;
    }
    for byte in rest {
        code.store(Size::B, Reg::R2, off, i32::from(*byte));
        off += 1;
    }
    code.constant(Reg::R1, ifindex.into());
    code.mov(Reg::R2, 0);
    code.call_helper(REDIRECT);
    code.exit();
    code.place(short);
    code.mov(Reg::R0, xdp::ABORTED);
    code.exit();
    Source {
        name: "bench_send".into(),
        kind: ProgramType::Xdp,
        attach: AttachType::Xdp,
        license: "Dual MIT/GPL".into(),
        insns: code.finish().expect("all labels are placed nearby"),
        functions: Vec::new(),
        relocs: Vec::new(),
    }
}
