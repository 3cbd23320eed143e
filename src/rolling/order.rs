//! Median, quantiles and what follows from the order of values.
