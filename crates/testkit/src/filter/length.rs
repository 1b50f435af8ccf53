//! How long programs of our compiler are, beside libpcap's.

use netloom_packet::link::LinkType;

use super::expressions::{Expression, Mark, accepted};
use super::names::Files;
use super::programs::{Programs, ProgramsError, options};
use super::tcpdump::Tcpdump;

/// Instructions of a filter's programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// The link type it is compiled for.
    pub link: LinkType,
    /// The filter.
    pub text: &'static str,
    /// By our compiler.
    pub ours: usize,
    /// By libpcap's, with its optimizer.
    pub libpcap: usize,
}

impl Length {
    /// Our instructions for each of libpcap's.
    #[expect(clippy::cast_precision_loss, reason = "programs have some thousand instructions")]
    pub fn ratio(&self) -> f64 {
        self.ours as f64 / self.libpcap as f64
    }
}

/// The lengths for all filters of a link type, but for those that libpcap's optimizer makes no
/// program of and those whose program of libpcap's jumps backward.
///
/// # Errors
/// [`ProgramsError`].
pub fn lengths(link: LinkType) -> Result<Vec<Length>, ProgramsError> {
    let names = Files::read();
    let options = options(link, &names);
    let tcpdump = Tcpdump::new(link, &[]).map_err(ProgramsError::Tcpdump)?;
    let is_comparable = |one: &Expression| !matches!(one.mark, Some(Mark::Never | Mark::Loops));
    let length = |Expression { text, .. }| {
        let Programs { ours, libpcap } = Programs::of(text, &tcpdump, &options)?;
        Ok(Length { link, text, ours: ours.len(), libpcap: libpcap.len() })
    };
    accepted(link).into_iter().filter(is_comparable).map(length).collect()
}

/// The geometric mean of the ratios; `None` of none.
#[expect(clippy::cast_precision_loss, reason = "there are some hundred filters")]
pub fn geometric_mean(lengths: &[Length]) -> Option<f64> {
    let logarithms: f64 = lengths.iter().map(|one| one.ratio().ln()).sum();
    (!lengths.is_empty()).then(|| (logarithms / lengths.len() as f64).exp())
}

/// The `count` filters with the greatest ratios, the greatest first.
pub fn worst(lengths: &[Length], count: usize) -> Vec<Length> {
    let mut sorted = lengths.to_vec();
    sorted.sort_by(|one, other| other.ratio().total_cmp(&one.ratio()));
    sorted.truncate(count);
    sorted
}
