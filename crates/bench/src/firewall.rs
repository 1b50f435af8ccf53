//! What a packet costs that has to pass N rules: ours, iptables-legacy and nft in one run.
//!
//! Every contender with every number of rules has a receiver of its own, and all stay in place over
//! the whole run, so that the measurements take turns: a disturbance of the machine meets all of
//! them alike, and the median over the rounds leaves it out.
//!
//! Invariant: no figure without proof that the work was done. At the end the counters of each
//! contender's last rule and policy, and what arrived at UDP, must equal the packets that came.
//!
//! Reading order: `ruleset` (the rules in everybody's words), `contender` (who takes them and what
//! it counted), `arm` (one of them with its receiver), `alone` (our program without the stack),
//! `report`.

mod alone;
mod arm;
mod contender;
mod report;
mod ruleset;

use std::path::Path;

use clap::Args;
use netloom_sys::netns::isolated;
use netloom_sys::{Capabilities, Capability};

use crate::error::BenchError;
use crate::machine::{Machine, Places};
use crate::mount::Mount;
use crate::progress::Progress;
use arm::{Arm, Fate};
use contender::Contender;
use report::Report;
use ruleset::{Ruleset, Shape};

/// What to measure.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Numbers of rules
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,10,100,1000",
          value_parser = clap::value_parser!(u16).range(1..=i64::from(ruleset::RULES_MAX)))]
    rules: Vec<u16>,
    /// What the rules compare besides the protocol
    #[arg(long = "match", value_name = "WHAT", value_enum, default_value = "ports")]
    shape: Shape,
    /// Turns of each measurement
    #[arg(long, value_name = "N", default_value = "9",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Length of a turn
    #[arg(long, value_name = "S", default_value = "0.15", value_parser = seconds)]
    seconds: f64,
    /// Send from another processor than the receiver's, as fast as it can
    #[arg(long)]
    apart: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
///
/// # Errors
/// Whatever keeps the whole figure from being measured; a contender that this machine lacks is shown
/// as missing.
pub(crate) fn run(options: &Options) -> Result<String, BenchError> {
    let wanted = [Capability::Bpf, Capability::NetAdmin, Capability::SysAdmin];
    let missing = Capabilities::effective().map_or(wanted.to_vec(), |held| held.missing(&wanted));
    if !missing.is_empty() {
        return Err(BenchError::Denied(missing));
    }
    let mut options = options.clone();
    options.rules.sort_unstable();
    options.rules.dedup();
    let machine = Machine::current()?;
    let report = isolated(|| measure(&options, machine)).map_err(BenchError::Netns)??;
    Ok(if options.json { report.document() } else { report.text() })
}

/// The calling thread is in a namespace of its own, from which all frames are sent.
fn measure(options: &Options, machine: Machine) -> Result<Report, BenchError> {
    let places = Places::find(options.apart)?;
    let progress = Progress::new();
    let bpffs = Mount::bpf()?;
    let mut arms = arms(options, places.receiver, &bpffs.path(), &progress)?;
    progress.show("warming up");
    for arm in &mut arms {
        arm.warm_up(options.seconds, places)?;
    }
    for round in 1..=options.rounds {
        progress.show(&format!("round {round} of {}", options.rounds));
        for arm in &mut arms {
            for fate in Fate::ALL {
                arm.measure(fate, places.sender)?;
            }
        }
    }
    progress.show("comparing counters");
    for arm in &arms {
        arm.check()?;
    }
    progress.show("programs alone");
    let alone = alone::measure(options.shape, &options.rules, options.rounds)?;
    Ok(Report { options: options.clone(), machine, versions: contender::versions(), arms, alone })
}

fn arms(
    options: &Options,
    receiver: usize,
    bpffs: &Path,
    progress: &Progress,
) -> Result<Vec<Arm>, BenchError> {
    let mut arms = Vec::new();
    for (contender, rules) in plan(&options.rules) {
        progress.show(&format!("setting up {} with {rules} rules", contender.title()));
        let ruleset = Ruleset { shape: options.shape, rules };
        arms.push(Arm::new(contender, ruleset, arms.len(), receiver, bpffs)?);
    }
    Ok(arms)
}

/// Who runs with how many rules.
fn plan(sizes: &[u16]) -> Vec<(Contender, u16)> {
    let with_rules = Contender::WITH_RULES.into_iter();
    let each = with_rules.flat_map(|one| sizes.iter().map(move |rules| (one, *rules)));
    [(Contender::NoRules, 0)].into_iter().chain(each).collect()
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if (0.01..=60.0).contains(&value) => Ok(value),
        Ok(_) => Err("must be 0.01 to 60".to_owned()),
        Err(_) => Err("not a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_run_measures_every_contender_and_all_count_the_same() {
        let reason = netloom_testkit::live::missing().or_else(|| {
            let peers = [("nft", "--version"), ("ethtool", "--version")];
            let error = peers.map(|(program, option)| crate::command::run(program, &[option], ""));
            error.into_iter().find_map(Result::err).map(|error| error.to_string())
        });
        if let Some(reason) = reason {
            println!("ran 0, skipped 1: {reason}");
            return;
        }
        let options = Options {
            rules: vec![1, 3],
            shape: Shape::Sources,
            rounds: 1,
            seconds: 0.01,
            apart: false,
            json: true,
        };
        let document: serde_json::Value =
            serde_json::from_str(&run(&options).unwrap_or_else(|error| panic!("{error}"))).unwrap();
        let rows = document["rows"].as_array().unwrap();
        // Two fates of five contenders with two sizes, and one without rules.
        assert_eq!(rows.len(), 2 * 5 * 2 + 1);
        for row in rows {
            assert_eq!(row.get("missing"), None, "{row}");
            assert!(row["ns"]["median"].as_f64().unwrap() > 10.0, "{row}");
            assert!(row["received"].as_u64().unwrap() > 0, "{row}");
        }
        assert_eq!(document["alone"].as_array().unwrap().len(), 2);
    }
}
