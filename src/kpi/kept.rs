//! The states of baselines and rules as numbers and back.
//!
//! What a state was set to is not kept: it is read into a state that has the same settings.

use super::baseline::{Ewma, Fading, Floor, Seasonal};
use super::detect::Detector;
use super::rules::{
    DropOut, EwmaError, FlatRun, Hysteresis, NewExtreme, Reference, Rule, SeasonalBreak, Sums,
    VarianceShift,
};
use crate::streaming::{Reader, Writer};

/// A state that can be kept.
pub trait Kept {
    /// Writes what changes.
    fn write(&self, to: &mut Writer);
    /// Reads what [`write`](Kept::write) wrote; `None` if it cannot have been written so.
    fn read(&mut self, from: &mut Reader) -> Option<()>;
}

impl Kept for u64 {
    fn write(&self, to: &mut Writer) {
        to.u64(*self);
    }

    fn read(&mut self, from: &mut Reader) -> Option<()> {
        *self = from.u64()?;
        Some(())
    }
}

impl Kept for f64 {
    fn write(&self, to: &mut Writer) {
        to.f64(*self);
    }

    fn read(&mut self, from: &mut Reader) -> Option<()> {
        *self = from.f64()?;
        Some(())
    }
}

impl Kept for bool {
    fn write(&self, to: &mut Writer) {
        to.u64(u64::from(*self));
    }

    fn read(&mut self, from: &mut Reader) -> Option<()> {
        *self = from.up_to(1)? == 1;
        Some(())
    }
}

impl Kept for Option<i64> {
    fn write(&self, to: &mut Writer) {
        self.is_some().write(to);
        to.i64(self.unwrap_or(0));
    }

    fn read(&mut self, from: &mut Reader) -> Option<()> {
        let is_some = from.up_to(1)? == 1;
        let time = from.i64()?;
        *self = is_some.then_some(time);
        Some(())
    }
}

/// Writes and reads the first fields named, in order; the others are settings. A field that is
/// named nowhere does not compile.
macro_rules! kept {
    ($($type:ident { $($field:ident),* } of { $($setting:ident),* })*) => {$(
        impl Kept for $type {
            fn write(&self, to: &mut Writer) {
                let $type { $($field,)* $($setting: _,)* } = self;
                $($field.write(to);)*
            }

            fn read(&mut self, from: &mut Reader) -> Option<()> {
                $(self.$field.read(from)?;)*
                Some(())
            }
        }
    )*};
}

kept! {
    Ewma { mean, variance, seen } of { alpha }
    Fading { sum, weight } of {}
    Floor { seen, relative, absolute } of { factor, least }
    Hysteresis { is_on } of { on, off, of_value }
    NewExtreme { seen, low, high } of { threshold, warm_up }
    EwmaError { mean, square, errors } of { threshold, alpha, beta, warm_up }
    FlatRun { seen, first, length, longest, fired } of { min_length, tolerance, warm_up, factor }
    DropOut { length } of { min_length, margin }
    Reference { mean, seen } of { clip, alpha, warm_up }
    Sums { reference, up, down } of { allowance, threshold, top }
    VarianceShift { seen, scatter } of { threshold, clip, warm_up }
    SeasonalBreak { seen, value, baseline, joint } of { threshold, margin, warm_up }
}

impl Kept for Seasonal {
    fn write(&self, to: &mut Writer) {
        for (slot, &rows) in self.rows.iter().enumerate() {
            to.u64(rows);
            let filled = rows.min(self.window as u64) as usize;
            to.all(&self.values[slot * self.window..][..filled]);
        }
    }

    fn read(&mut self, from: &mut Reader) -> Option<()> {
        for slot in 0..self.rows.len() {
            self.rows[slot] = from.u64()?;
            let filled = self.rows[slot].min(self.window as u64) as usize;
            for place in 0..filled {
                self.values[slot * self.window + place] = from.f64()?;
            }
        }
        Some(())
    }
}

impl Kept for Rule {
    fn write(&self, to: &mut Writer) {
        match self {
            Rule::Z { .. } | Rule::Given { .. } => {}
            Rule::Hysteresis(rule) => rule.write(to),
            Rule::NewExtreme(rule) => rule.write(to),
            Rule::EwmaError(rule) => rule.write(to),
            Rule::FlatRun(rule) => rule.write(to),
            Rule::DropOut(rule) => rule.write(to),
            Rule::LevelShift(rule) => rule.write(to),
            Rule::Drift(rule) => rule.write(to),
            Rule::VarianceShift(rule) => rule.write(to),
            Rule::SeasonalBreak(rule) => rule.write(to),
        }
    }

    fn read(&mut self, from: &mut Reader) -> Option<()> {
        match self {
            Rule::Z { .. } | Rule::Given { .. } => Some(()),
            Rule::Hysteresis(rule) => rule.read(from),
            Rule::NewExtreme(rule) => rule.read(from),
            Rule::EwmaError(rule) => rule.read(from),
            Rule::FlatRun(rule) => rule.read(from),
            Rule::DropOut(rule) => rule.read(from),
            Rule::LevelShift(rule) => rule.read(from),
            Rule::Drift(rule) => rule.read(from),
            Rule::VarianceShift(rule) => rule.read(from),
            Rule::SeasonalBreak(rule) => rule.read(from),
        }
    }
}

impl Kept for Detector {
    fn write(&self, to: &mut Writer) {
        self.rules.iter().for_each(|rule| rule.write(to));
        self.fired.write(to);
        u64::from(self.held).write(to);
        u64::from(self.last_rule).write(to);
        self.last_anomaly.write(to);
        self.last_alarm.write(to);
        to.u64(u64::from(self.event.cast_unsigned()));
    }

    fn read(&mut self, from: &mut Reader) -> Option<()> {
        for rule in &mut self.rules {
            rule.read(from)?;
        }
        self.fired.read(from)?;
        self.held = u32::try_from(from.u64()?).ok()?;
        self.last_rule = u8::try_from(from.u64()?).ok()?;
        self.last_anomaly.read(from)?;
        self.last_alarm.read(from)?;
        self.event = i32::try_from(from.u64()?).ok()?;
        Some(())
    }
}
