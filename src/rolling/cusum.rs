//! Cumulative sums of deviations.
