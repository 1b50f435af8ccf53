//! tcpdump as a compiler of filters and as a judge of frames.
//!
//! Captures go in by a file in memory, so nothing is left on disk, and no pipe has to be fed while
//! another is drained.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::{error, fmt, io};

use netloom_packet::capture::{PcapWriter, ReadError, Reader, Record, WriteError};
use netloom_packet::link::LinkType;
use rustix::fs::{MemfdFlags, memfd_create};

/// A capture that tcpdump is asked about.
#[derive(Debug)]
pub struct Tcpdump {
    file: File,
    /// The time of each frame, by which it is known in what comes out.
    times_ns: Vec<u64>,
}

/// How a filter is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compile {
    /// As tcpdump does by itself.
    Optimized,
    /// Without the optimizer (`-O`).
    Plain,
}

/// How a program is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `-d`: for readers.
    Text,
    /// `-ddd`: decimal numbers.
    Decimal,
}

/// Why tcpdump gave no answer.
#[derive(Debug)]
pub enum TcpdumpError {
    /// It, or a file for it, could not be made.
    Start(io::Error),
    /// A capture could not be written for it.
    Write(WriteError),
    /// The capture that it wrote is broken.
    Read(ReadError),
    /// It refuses the filter, or the capture.
    Refused {
        /// Its last line on standard error.
        message: String,
    },
    /// It wrote a frame that it was not given.
    UnknownFrame {
        /// The frame's time.
        timestamp_ns: u64,
    },
}

impl Tcpdump {
    /// Takes frames in the order of their times, which differ, in whole microseconds.
    ///
    /// # Errors
    /// [`TcpdumpError::Start`] and [`TcpdumpError::Write`] when there is no room for the file.
    pub fn new(link: LinkType, records: &[Record]) -> Result<Self, TcpdumpError> {
        let descriptor = memfd_create("capture", MemfdFlags::CLOEXEC)
            .map_err(|errno| TcpdumpError::Start(errno.into()))?;
        let mut writer =
            PcapWriter::new(File::from(descriptor), link).map_err(TcpdumpError::Write)?;
        for record in records {
            writer.write(record).map_err(TcpdumpError::Write)?;
        }
        let file = writer.finish().map_err(TcpdumpError::Write)?;
        let times_ns = records.iter().map(|record| record.timestamp_ns).collect();
        Ok(Self { file, times_ns })
    }

    /// The program that tcpdump makes of a filter for the capture's link type.
    ///
    /// # Errors
    /// [`TcpdumpError`]; [`TcpdumpError::Refused`] for a filter that it does not take.
    pub fn program(
        &self,
        filter: &str,
        compile: Compile,
        form: Form,
    ) -> Result<String, TcpdumpError> {
        let mut arguments = vec![match form {
            Form::Text => "-d",
            Form::Decimal => "-ddd",
        }];
        if compile == Compile::Plain {
            arguments.push("-O");
        }
        let output = self.run(&arguments, filter)?;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    /// Which frames match: one answer for each frame of the capture, in its order.
    ///
    /// # Errors
    /// [`TcpdumpError`].
    pub fn matches(&self, filter: &str, compile: Compile) -> Result<Vec<bool>, TcpdumpError> {
        let mut arguments = vec!["-w", "-"];
        if compile == Compile::Plain {
            arguments.push("-O");
        }
        let output = self.run(&arguments, filter)?;
        let mut matched = vec![false; self.times_ns.len()];
        for record in Reader::new(&output[..]).map_err(TcpdumpError::Read)? {
            let timestamp_ns = record.map_err(TcpdumpError::Read)?.timestamp_ns;
            let found = self.times_ns.binary_search(&timestamp_ns);
            let index = found.ok().ok_or(TcpdumpError::UnknownFrame { timestamp_ns })?;
            matched[index] = true;
        }
        Ok(matched)
    }

    fn run(&self, arguments: &[&str], filter: &str) -> Result<Vec<u8>, TcpdumpError> {
        // Opened anew, the file has a position of its own: threads ask at the same time.
        let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let capture = File::open(path).map_err(TcpdumpError::Start)?;
        let output = Command::new("tcpdump")
            .args(["-r", "-"])
            .args(arguments)
            .args(["--", filter])
            .stdin(capture)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .map_err(TcpdumpError::Start)?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            let message = text.lines().last().unwrap_or("no message").to_owned();
            return Err(TcpdumpError::Refused { message });
        }
        Ok(output.stdout)
    }
}

impl fmt::Display for TcpdumpError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(_) => write!(out, "cannot run tcpdump"),
            Self::Write(_) => write!(out, "cannot write a capture for tcpdump"),
            Self::Read(_) => write!(out, "cannot read the capture of tcpdump"),
            Self::Refused { message } => write!(out, "tcpdump refuses: {message}"),
            Self::UnknownFrame { timestamp_ns } => {
                write!(out, "tcpdump wrote a frame of time {timestamp_ns} ns, which has none")
            }
        }
    }
}

impl error::Error for TcpdumpError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Start(error) => Some(error),
            Self::Write(error) => Some(error),
            Self::Read(error) => Some(error),
            Self::Refused { .. } | Self::UnknownFrame { .. } => None,
        }
    }
}
