//! Sum, mean, variance and what follows from them.
