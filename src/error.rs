//! What can go wrong in a kernel, said so that a caller can mend it.
//!
//! The bindings turn these into `ValueError` and `KeyboardInterrupt` in one place.

use std::fmt;

/// Why a kernel refused its input or stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// An argument is outside what the kernel is defined for.
    Argument {
        /// The argument, by the name the caller wrote.
        name: &'static str,
        /// What it must be, as in "at least 2".
        expected: String,
        /// What it was.
        found: String,
    },
    /// Two arguments that describe the same rows have different lengths.
    Length {
        /// The argument that does not fit.
        name: &'static str,
        /// How many values it should have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// Times go backwards.
    Unsorted {
        /// The argument, by the name the caller wrote.
        name: &'static str,
        /// The first row that is earlier than the one before it.
        row: usize,
        /// The row before it, of the same group.
        before: usize,
    },
    /// Anything else, in a whole sentence.
    Message(String),
    /// The caller asked the kernel to stop.
    Cancelled,
}

impl Error {
    /// An argument out of range: `Error::argument("window", "at least 1", 0)`.
    pub fn argument(
        name: &'static str,
        expected: impl Into<String>,
        found: impl fmt::Display,
    ) -> Self {
        Error::Argument {
            name,
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Argument {
                name,
                expected,
                found,
            } => write!(f, "{name} must be {expected}, got {found}"),
            Error::Length {
                name,
                expected,
                found,
            } => write!(f, "{name} has {found} values, expected {expected}"),
            Error::Unsorted { name, row, before } => write!(
                f,
                "{name} must not decrease, but row {row} is earlier than row {before} (sort the rows by time first)"
            ),
            Error::Message(message) => f.write_str(message),
            Error::Cancelled => write!(f, "stopped by the caller"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_argument_expectation_and_finding() {
        let error = Error::argument("window", "at least 2", 1);
        assert_eq!(error.to_string(), "window must be at least 2, got 1");
    }
}
