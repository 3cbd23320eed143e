//! Nearest neighbours, exact, and the outlier scores made of them.
//!
//! Points lie in blocks of 32, column by column, so that one query meets 32 points in four
//! registers. A k-d tree orders the points and prunes blocks by their bounding boxes; without it
//! (brute force) every block is met. Queries come in groups of 32 that lie close together and share
//! one walk through the tree. Blocks hold single precision, relative to the middle of their box: a
//! filter with a proven margin. Whatever passes it is measured again in double precision from the
//! points themselves, and only that counts, so the answers are exact and the same on any machine.
//!
//! Friedman, J. H., Bentley, J. L., Finkel, R. A. (1977). An algorithm for finding best matches in
//! logarithmic expected time. ACM Transactions on Mathematical Software 3(3), 209-226.

mod block;
mod distinct;
mod knn;
mod lof;
mod metric;
mod nearest;
mod points;
mod search;
mod tree;

pub use distinct::{Distinct, distinct_rows};
pub use knn::{Summary, distances, shares};
pub use lof::{Factors, factors, score};
pub use metric::Metric;
pub use nearest::Neighbor;
pub use points::{Points, unit_rows};
pub use search::{Queries, neighbors};
pub use tree::Tree;
