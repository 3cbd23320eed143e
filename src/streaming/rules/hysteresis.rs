//! An alarm that goes on at one threshold and off at another.

use super::super::bytes::{Reader, Writer};
use super::super::kernel::Rule;

/// The rule: on from the value that reaches `on`, until one is back beyond `off`. With `on` above
/// `off` high values are alarms, else low ones. A missing value changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Hysteresis {
    /// Where the alarm goes on.
    pub on: f64,
    /// Where it goes off.
    pub off: f64,
}

impl Rule for Hysteresis {
    type State = bool;

    fn outputs(&self) -> usize {
        1
    }

    fn start(&self) -> bool {
        false
    }

    #[inline(always)]
    fn push(&self, is_on: &mut bool, _: i64, value: f64, out: &mut [f64]) {
        // Seen from above, whichever side the alarms are on.
        let side = if self.on >= self.off { 1.0 } else { -1.0 };
        let (value, on, off) = (side * value, side * self.on, side * self.off);
        if value >= on {
            *is_on = true;
        } else if value < off {
            *is_on = false;
        }
        out[0] = f64::from(u8::from(*is_on));
    }

    fn write(&self, is_on: &bool, to: &mut Writer) {
        to.u64(u64::from(*is_on));
    }

    fn read(&self, from: &mut Reader) -> Option<bool> {
        Some(from.up_to(1)? == 1)
    }
}
