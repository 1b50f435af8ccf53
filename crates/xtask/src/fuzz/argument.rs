//! The arguments of `fuzz`.

use std::path::PathBuf;

use crate::error::Error;

/// `[TARGET...] [--seconds N] [--jobs N] [--input FILE]`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    /// Targets to run; all where none was named.
    pub(super) targets: Vec<String>,
    pub(super) seconds: Option<u32>,
    pub(super) jobs: Option<usize>,
    /// One input to run once, instead of fuzzing.
    pub(super) input: Option<PathBuf>,
}

impl Arguments {
    /// # Errors
    /// [`Error::UnknownTarget`], [`Error::BadOption`].
    pub(super) fn parse(args: &[String], targets: &[String]) -> Result<Self, Error> {
        let mut parsed = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if !arg.starts_with('-') {
                if !targets.contains(arg) {
                    return Err(Error::UnknownTarget {
                        name: arg.clone(),
                        known: targets.join(", "),
                    });
                }
                parsed.targets.push(arg.clone());
                continue;
            }
            let bad = || Error::BadOption { option: arg.clone() };
            let value = args.next().ok_or_else(bad)?;
            let number = value.parse().ok().filter(|number| *number > 0_u32);
            match arg.as_str() {
                "--seconds" => parsed.seconds = Some(number.ok_or_else(bad)?),
                "--jobs" => parsed.jobs = Some(number.ok_or_else(bad)? as usize),
                "--input" => parsed.input = Some(value.into()),
                _ => return Err(bad()),
            }
        }
        if parsed.targets.is_empty() {
            parsed.targets = targets.to_vec();
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Arguments, Error> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        Arguments::parse(&args, &["a".to_owned(), "b".to_owned()])
    }

    #[test]
    fn without_a_name_all_targets_run() {
        let arguments = parse(&["--seconds", "3"]).unwrap();
        assert_eq!((arguments.targets.len(), arguments.seconds), (2, Some(3)));
    }

    #[test]
    fn named_targets_run_with_the_options_around_them() {
        let arguments = parse(&["b", "--jobs", "2", "--input", "x"]).unwrap();
        let input = Some(PathBuf::from("x"));
        let targets = vec!["b".to_owned()];
        assert_eq!(arguments, Arguments { targets, seconds: None, jobs: Some(2), input });
    }

    #[test]
    fn what_is_unknown_or_no_number_is_refused() {
        assert!(matches!(parse(&["c"]), Err(Error::UnknownTarget { .. })));
        for args in [["--seconds", "x"], ["--jobs", "0"], ["--other", "1"]] {
            assert!(matches!(parse(&args), Err(Error::BadOption { .. })), "{args:?}");
        }
        assert!(matches!(parse(&["--seconds"]), Err(Error::BadOption { .. })));
    }
}
