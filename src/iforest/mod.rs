//! Isolation forest: how few random splits set a row apart from the rest.
//!
//! Liu, F. T., Ting, K. M., Zhou, Z.-H. (2008). Isolation forest. ICDM, 413-422. Beside splits on
//! one column there are oblique ones, on a weighted sum of several (Hariri, S., Carrasco Kind, M.,
//! Brunner, R. J. (2021). Extended isolation forest. IEEE TKDE 33(4), 1479-1489), and thresholds
//! placed where they part the values best instead of at random (Liu, F. T., Ting, K. M., Zhou,
//! Z.-H. (2010). On detecting clustered anomalies using SCiForest. ECML PKDD, 274-290).
//!
//! # Missing values and categories
//!
//! A split on one column looks at the rows whose value is present. If some were missing in
//! training, the split sends missing ones to a side drawn once, with chances in proportion to the
//! rows on either side; if none was, to the side with more training rows (the left one of two
//! equal). A column with fewer than two different values in a node is never split. In an oblique
//! split a missing value counts as the mean of its column in the node.
//!
//! A column of categories is always split alone: each category present in the node goes to a side
//! drawn by a fair coin (drawn again until neither side is empty), and any other to the side with
//! fewer training rows (the right one of two equal), so that what was never seen is rare.

mod detector;
mod explain;
mod fit;
mod forest;
mod gain;
mod grow;
mod layout;
mod leaves;
mod matrix;
mod sample;
mod score;
mod store;

pub use detector::Detector;
pub use explain::explain;
pub use fit::{FitSettings, Part, fit, fit_part, sampled_rows};
pub use forest::{Forest, average_path_length};
pub use layout::Packed;
pub use matrix::find_infinite;
pub use score::{depths, score_samples};

#[cfg(test)]
mod tests;
