//! Exponentially weighted statistics.
