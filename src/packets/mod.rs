//! Packets: captures become columns, and each packet learns what its source did in the last seconds.
//!
//! [`reader`] reads pcap and pcapng in bounded memory, [`dissect`] takes a packet's headers apart,
//! [`columns`] collects them. [`keys`] numbers addresses, and [`trailing`] counts what each of them
//! sent within a window that ends at the present packet.

pub mod capture;
pub mod columns;
pub mod dissect;
pub mod keys;
pub mod link;
pub mod pcapng;
pub mod reader;
pub mod trailing;
pub mod write;

#[cfg(test)]
mod tests;
