//! Networks as they are registered: `192.0.2.0/24`, `2001:db8::/32`, one address.

use std::net::IpAddr;
use std::str::FromStr;

/// A network: its first address as an IPv6 number (IPv4 as mapped), and how many bits of that are the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    /// The first address.
    pub start: u128,
    /// The prefix's bits, of 128.
    pub length: u32,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It is something else.
    #[error("is no network; write 192.0.2.0/24, 2001:db8::/32 or one address")]
    Malformed,
    /// Longer than its address.
    #[error("has a prefix longer than its address")]
    Long,
    /// Host bits that are not zero.
    #[error("has bits set behind its prefix; is the length right?")]
    Behind,
}

impl NetworkError {
    /// The same in Vietnamese.
    #[must_use]
    pub fn vietnamese(self) -> &'static str {
        match self {
            NetworkError::Malformed => "không phải mạng; viết 192.0.2.0/24, 2001:db8::/32 hoặc một địa chỉ",
            NetworkError::Long => "có tiền tố dài hơn địa chỉ",
            NetworkError::Behind => "có bit khác 0 sau tiền tố; độ dài đúng chưa?",
        }
    }
}

impl Network {
    /// An address as an IPv6 number.
    #[must_use]
    pub fn number(ip: IpAddr) -> u128 {
        match ip {
            IpAddr::V4(ip) => u128::from(ip.to_ipv6_mapped()),
            IpAddr::V6(ip) => u128::from(ip),
        }
    }

    /// Its last address.
    #[must_use]
    pub fn last(self) -> u128 {
        self.start | host_bits(self.length)
    }
}

impl FromStr for Network {
    type Err = NetworkError;
    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, length)| (a, Some(length)));
        let ip: IpAddr = address.parse().map_err(|_| NetworkError::Malformed)?;
        let (most, shift) = if ip.is_ipv4() { (32, 96) } else { (128, 0) };
        let length: u32 = length.map_or(Ok(most), str::parse).map_err(|_| NetworkError::Malformed)?;
        if length > most {
            return Err(NetworkError::Long);
        }
        let network = Network { start: Network::number(ip), length: length + shift };
        if network.start & host_bits(network.length) != 0 {
            return Err(NetworkError::Behind);
        }
        Ok(network)
    }
}

fn host_bits(length: u32) -> u128 {
    u128::MAX.checked_shr(length).unwrap_or(0)
}
