//! What one thread needs to run programs.

use crate::address::{FRAME_BYTES, FRAMES_MAX};
use crate::engine::{Callback, Frame};
use crate::fib::FibTable;
use crate::memory::Stack;
use crate::objects::Objects;

/// A virtual CPU: its number, its clock and random numbers, its limits, its stack.
#[derive(Debug)]
pub struct Cpu {
    pub(crate) outside: Outside,
    pub(crate) scratch: Scratch,
    /// Bounds of each run.
    pub limits: Limits,
    pub(crate) executed: u64,
}

/// Bounds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Instructions. Checked where a run leaves a straight stretch, so it may end a stretch later.
    pub insns_max: u64,
    /// Turns of `may_goto` loops in one function (`linux/bpf.h`: `BPF_MAX_LOOPS`).
    pub turns_max: u32,
}

/// Where the time comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// It stands still, at nanoseconds since boot.
    Fixed(u64),
    /// It asks, for nanoseconds since boot.
    Call(fn() -> u64),
}

/// What helpers ask of the world outside.
#[derive(Debug)]
pub(crate) struct Outside {
    pub(crate) cpu: u32,
    pub(crate) clock: Clock,
    /// State of the random number generator.
    pub(crate) random: u64,
    pub(crate) fib: Option<FibTable>,
}

/// Memory that is kept from run to run.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) stack: Box<Stack>,
    /// Stack frames that earlier runs may have written.
    pub(crate) frames_used: usize,
    pub(crate) objects: Objects,
    pub(crate) buffers: Buffers,
}

/// Buffers of the engine.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// Callers of the running function, by call depth.
    pub(crate) frames: [Frame; FRAMES_MAX - 1],
    /// Helpers that are calling functions, outermost first.
    pub(crate) callbacks: Vec<Callback>,
    /// The key of the helper call in progress.
    pub(crate) key: Vec<u8>,
    /// The value or record of the helper call in progress.
    pub(crate) value: Vec<u8>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { insns_max: 1 << 26, turns_max: 8 << 20 }
    }
}

impl Clock {
    pub(crate) fn now_ns(self) -> u64 {
        match self {
            Self::Fixed(now) => now,
            Self::Call(now) => now(),
        }
    }
}

impl Cpu {
    /// The CPU of this number, its clock at zero, its random numbers from seed 0.
    pub fn new(number: u32) -> Self {
        Self {
            outside: Outside { cpu: number, clock: Clock::Fixed(0), random: 0, fib: None },
            scratch: Scratch {
                stack: Box::new([[0; FRAME_BYTES]; FRAMES_MAX]),
                frames_used: 0,
                objects: Objects::default(),
                buffers: Buffers::default(),
            },
            limits: Limits::default(),
            executed: 0,
        }
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.outside.cpu
    }

    /// Sets the clock of `ktime_get_ns` and `ktime_get_boot_ns`.
    pub fn set_clock(&mut self, clock: Clock) {
        self.outside.clock = clock;
    }

    /// Restarts the random numbers of `get_prandom_u32`.
    pub fn seed(&mut self, seed: u64) {
        self.outside.random = seed;
    }

    /// Sets what answers `fib_lookup`; without it, nothing is forwarded.
    pub fn set_fib(&mut self, fib: Option<FibTable>) {
        self.outside.fib = fib;
    }

    /// Instructions that the last run executed, also if it ended in a fault.
    pub fn executed(&self) -> u64 {
        self.executed
    }
}

impl Outside {
    /// The next random number (SplitMix64, by Steele, Lea and Flood).
    pub(crate) fn random_u32(&mut self) -> u32 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) >> 32) as u32
    }
}

impl Scratch {
    /// Clears what earlier runs left in the stack, so that a run depends on its input alone.
    pub(crate) fn reset(&mut self) {
        for frame in self.stack.iter_mut().take(self.frames_used) {
            frame.fill(0);
        }
        self.frames_used = 1;
        self.buffers.callbacks.clear();
    }
}
