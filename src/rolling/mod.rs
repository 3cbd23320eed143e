//! Rolling statistics.

pub mod cusum;
pub mod entropy;
pub mod ewm;
pub mod extrema;
pub mod lanes;
pub mod moments;
pub mod order;
pub mod pair;
pub mod position;
pub mod queue;
pub mod shape;
pub mod task;
pub mod window;

pub use task::Task;
pub use window::Windows;
