//! The value itself, so that it goes through a stream beside what is known of it.

use super::super::bytes::{Reader, Writer};
use super::super::kernel::Rule;

/// The rule: the value as it came, NaN if it is missing or infinite.
#[derive(Debug, Clone, Copy)]
pub struct Value;

impl Rule for Value {
    type State = ();

    fn outputs(&self) -> usize {
        1
    }

    fn start(&self) {}

    #[inline(always)]
    fn push(&self, (): &mut (), _: i64, value: f64, out: &mut [f64]) {
        out[0] = value;
    }

    fn write(&self, (): &(), _: &mut Writer) {}

    fn read(&self, _: &mut Reader) -> Option<()> {
        Some(())
    }
}
