//! Rolling statistics.
//!
//! [`rolling`] is the one way in: series, statistics by name, and [`Settings`] that say what a
//! window is. It cuts the work into [`Task`]s; each family of statistics answers a task with the
//! mechanism that suits it:
//!
//! | family | mechanism |
//! |---|---|
//! | [`moments`], [`extrema`] | joins of suffixes and prefixes of blocks, in vector registers |
//! | [`shape`], [`pair`], [`position`] | mergeable states in a queue of two stacks ([`queue`]) |
//! | [`order`] | a sorted array, or a bitmap of ranks |
//! | [`entropy`] | a histogram of each window |
//!
//! [`ewm`] and [`cusum`] have no windows and stand beside it.

pub mod cusum;
pub mod entropy;
pub mod ewm;
pub mod extrema;
pub mod fixed;
pub mod moments;
pub mod order;
pub mod pair;
pub mod position;
pub mod queue;
pub mod scan;
pub mod series;
pub mod settings;
pub mod shape;
pub mod statistic;
pub mod task;
pub mod window;

pub use series::{each_series, rolling};
pub use settings::{Closed, Settings, Span};
pub use statistic::{Parameters, Statistic};
pub use task::Task;
pub use window::Windows;
