//! Shannon entropy of the values in a window.
use super::task::Task;
use crate::error::Error;
use crate::float::Float;
/// Shannon entropy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EntropyStatistic {
    /// Bins.
    pub bins: usize,
}
/// Answers.
///
/// # Errors
///
/// None.
pub fn entropy<T: Float>(
    _: &Task<T>,
    _: &[EntropyStatistic],
    _: &mut [&mut [T]],
) -> Result<(), Error> {
    Ok(())
}
