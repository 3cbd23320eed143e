//! Prefix-preserving pseudonyms of addresses: two that share their first n bits still do so after.
//!
//! Crypto-PAn: Xu, J., Fan, J., Ammar, M. H., Moon, S. B. (2002). Prefix-preserving IP address
//! anonymization: measurement-based security evaluation and a new cryptography-based scheme.
//! ICNP 2002. Bit i of an address is flipped by a keyed function of the i bits before it: the first
//! bit of the AES encryption of those bits, filled up with a secret pad.
//!
//! The 32 (or 128) blocks of an address do not depend on each other, so they are encrypted
//! together, which fills the pipeline of the processor's AES instructions. A cache of prefixes
//! would cost more than it saves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Block};

use crate::error::Error;
use crate::parallel::{self, Monitor};

/// Bytes of a key: 16 for the cipher, 16 for the pad.
pub const KEY_BYTES: usize = 32;

/// Addresses that one task takes.
const TASK: usize = 4096;

/// The pseudonyms of one key.
pub struct CryptoPan {
    cipher: Aes128,
    pad: u128,
}

impl CryptoPan {
    /// The pseudonyms of `key`.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] if the key does not have [`KEY_BYTES`] bytes.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        let key: &[u8; KEY_BYTES] = key
            .try_into()
            .map_err(|_| Error::argument("key", "32 bytes", format!("{} bytes", key.len())))?;
        let (secret, pad) = key.split_at(16);
        let cipher = Aes128::new_from_slice(secret).expect("a slice of 16 bytes");
        let mut block = Block::try_from(pad).expect("a slice of 16 bytes");
        cipher.encrypt_block(&mut block);
        let pad = u128::from_be_bytes(block.into());
        Ok(CryptoPan { cipher, pad })
    }

    /// Which of the first `N` bits of `address` (in its highest bits) are flipped.
    fn flips<const N: usize>(&self, address: u128) -> u128 {
        let mut blocks = [Array::from([0; 16]); N];
        for (bit, block) in blocks.iter_mut().enumerate() {
            *block = self.block(address, bit);
        }
        self.cipher.encrypt_blocks(&mut blocks);
        let bits = blocks.iter().enumerate();
        bits.fold(0, |all, (bit, block)| {
            all | (u128::from(block[0] >> 7) << (127 - bit))
        })
    }

    /// The first `bit` bits of `address`, then the pad.
    fn block(&self, address: u128, bit: usize) -> Block {
        let known = !(u128::MAX >> bit);
        Array::from(((address & known) | (self.pad & !known)).to_be_bytes())
    }

    /// The address whose pseudonym `address` is; its bits become known one after another.
    fn restored(&self, address: u128, bits: usize) -> u128 {
        (0..bits).fold(address, |known, bit| {
            let mut block = self.block(known, bit);
            self.cipher.encrypt_block(&mut block);
            known ^ (u128::from(block[0] >> 7) << (127 - bit))
        })
    }

    /// The pseudonym of an IPv4 address.
    pub fn v4(&self, address: u32) -> u32 {
        address ^ (self.flips::<32>(u128::from(address) << 96) >> 96) as u32
    }

    /// The address with this pseudonym.
    pub fn restore_v4(&self, pseudonym: u32) -> u32 {
        (self.restored(u128::from(pseudonym) << 96, 32) >> 96) as u32
    }

    /// The pseudonym of an IPv6 address.
    pub fn v6(&self, address: u128) -> u128 {
        address ^ self.flips::<128>(address)
    }

    /// The address with this pseudonym.
    pub fn restore_v6(&self, pseudonym: u128) -> u128 {
        self.restored(pseudonym, 128)
    }

    /// The pseudonym of an address of either kind.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) => Ipv4Addr::from(self.v4(v4.into())).into(),
            IpAddr::V6(v6) => Ipv6Addr::from(self.v6(v6.into())).into(),
        }
    }

    /// The address of either kind with this pseudonym.
    pub fn restore(&self, pseudonym: IpAddr) -> IpAddr {
        match pseudonym {
            IpAddr::V4(v4) => Ipv4Addr::from(self.restore_v4(v4.into())).into(),
            IpAddr::V6(v6) => Ipv6Addr::from(self.restore_v6(v6.into())).into(),
        }
    }
}

/// `each` of `x` into `out`, on `threads` threads.
///
/// # Errors
///
/// [`Error::Cancelled`] if the caller stops it.
pub fn map<T: Copy + Sync, R: Send>(
    x: &[T],
    out: &mut [R],
    threads: usize,
    monitor: &Monitor,
    each: impl Fn(T) -> R + Sync,
) -> Result<(), Error> {
    debug_assert_eq!(x.len(), out.len());
    let tasks: Vec<_> = x.chunks(TASK).zip(out.chunks_mut(TASK)).collect();
    parallel::for_each(tasks, threads, |(x, out)| {
        for (value, place) in x.iter().zip(out) {
            *place = each(*value);
        }
        monitor.tick(x.len() as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key that the authors publish with their sample trace.
    const KEY: [u8; 32] = [
        21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16, 216, 152, 143, 131,
        121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2,
    ];

    fn pan() -> CryptoPan {
        CryptoPan::new(&KEY).unwrap()
    }

    #[test]
    fn the_sample_trace_has_its_published_pseudonyms() {
        for (address, pseudonym) in [
            ("128.11.68.132", "135.242.180.132"),
            ("129.118.74.4", "134.136.186.123"),
            ("130.132.252.244", "133.68.164.234"),
            ("141.223.7.43", "141.167.8.160"),
            ("192.102.249.13", "252.138.62.131"),
            ("10.1.1.1", "117.14.242.124"),
            ("10.1.1.2", "117.14.242.126"),
            ("0.0.0.0", "120.255.240.1"),
            ("255.255.255.255", "206.120.97.255"),
            ("2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            let found = pan().address(address);
            assert_eq!(found.to_string(), pseudonym);
            assert_eq!(pan().restore(found), address);
        }
    }

    #[test]
    fn shared_prefixes_stay_shared_and_no_longer() {
        let pan = pan();
        let mut stream = crate::random::Stream::new(1, 1);
        for _ in 0..500 {
            let a = stream.next_u64() as u32;
            let b = a ^ (1 << stream.below(32)) ^ (stream.next_u64() as u32 >> 20);
            assert_eq!(
                (a ^ b).leading_zeros(),
                (pan.v4(a) ^ pan.v4(b)).leading_zeros()
            );
        }
    }

    #[test]
    fn a_short_key_is_refused() {
        let error = CryptoPan::new(&KEY[..16]).err().unwrap();
        assert_eq!(error.to_string(), "key must be 32 bytes, got 16 bytes");
    }

    #[test]
    fn every_address_of_a_list_has_its_own_pseudonym_on_any_number_of_threads() {
        let pan = pan();
        let x: Vec<u32> = (0..10_000)
            .map(|i: u32| i.wrapping_mul(2_654_435_761))
            .collect();
        for threads in [1, 3] {
            let mut out = vec![0; x.len()];
            map(&x, &mut out, threads, &Monitor::default(), |a| pan.v4(a)).unwrap();
            assert!(x.iter().zip(&out).all(|(&a, &b)| pan.v4(a) == b));
        }
    }
}
