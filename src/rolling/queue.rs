//! The driver that joins mergeable states.
