//! What can be known of a stream, by name.

mod change;
mod count;
mod ewm;
mod extremes;
mod flat;
mod hysteresis;
mod novelty;
mod rolling;
mod seasonal;
mod value;

pub use change::{Cusum, PageHinkley, Reference};
pub use count::Count;
pub use ewm::{Ewm, EwmOutput, Fading};
pub use extremes::Extremes;
pub use flat::FlatRun;
pub use hysteresis::Hysteresis;
pub use novelty::Novelty;
pub use rolling::{Length, Rolling, RollingOutput, Window};
pub use seasonal::Seasonal;
pub use value::Value;
