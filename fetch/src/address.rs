//! Decides which addresses may be fetched from: those of the public Internet, and those that an administrator allows.
//!
//! A server fetches what people ask it to, from inside its network. Without this check, anybody who may add a page could
//! read from that network and from the machine itself (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A host in a private network that may be fetched from: a host name, an address or a range (`10.0.0.0/8`). A port behind
/// it allows that port only.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct AllowedHost {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Name(String),
    Network(IpNet),
}

/// A text that is not an [`AllowedHost`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a host name, an address or a range of addresses")]
pub struct NotAHost(String);

impl AllowedHost {
    fn allows(&self, name: Option<&str>, address: SocketAddr) -> bool {
        let is_host = match &self.host {
            Host::Name(allowed) => name.is_some_and(|name| name.eq_ignore_ascii_case(allowed)),
            Host::Network(network) => network.contains(&address.ip().to_canonical()),
        };
        is_host && self.port.is_none_or(|port| port == address.port())
    }
}

impl FromStr for AllowedHost {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        if let Some(network) = network(text) {
            return Ok(Self { host: Host::Network(network), port: None });
        }
        let (host, port) = match text.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
            Some((host, Ok(port))) => (host, Some(port)),
            _ => (text, None),
        };
        let host = match network(host.trim_start_matches('[').trim_end_matches(']')) {
            Some(network) => Host::Network(network),
            None => Host::Name(name(host).ok_or_else(|| NotAHost(text.to_owned()))?),
        };
        Ok(Self { host, port })
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// A host name in the form that it has in URLs; `None` for any other text.
fn name(host: &str) -> Option<String> {
    match url::Host::parse(host) {
        Ok(url::Host::Domain(name)) => Some(name),
        _ => None,
    }
}

impl TryFrom<String> for AllowedHost {
    type Error = NotAHost;

    fn try_from(text: String) -> Result<Self, NotAHost> {
        text.parse()
    }
}

impl From<AllowedHost> for String {
    fn from(allowed: AllowedHost) -> Self {
        let host = match allowed.host {
            Host::Name(name) => name,
            Host::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                match (network.addr(), allowed.port) {
                    (IpAddr::V6(address), Some(_)) => format!("[{address}]"),
                    (address, _) => address.to_string(),
                }
            }
            Host::Network(network) => network.to_string(),
        };
        match allowed.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

/// Whether a connection to `address` is allowed, which `name` resolved to.
pub(crate) fn may_reach(allowed: &[AllowedHost], name: Option<&str>, address: SocketAddr) -> bool {
    is_public(address.ip()) || allowed.iter().any(|host| host.allows(name, address))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Not one of IANA's special-purpose addresses (RFC 6890 and its registry).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match (a, b, c) {
        // This network, shared by providers, protocol assignments, 6to4 relays, benchmarks, reserved and broadcast.
        (0, ..) | (100, 64..=127, _) | (192, 0, 0) | (192, 88, 99) | (198, 18..=19, _) | (240.., ..) => true,
        _ => false,
    };
    !(is_special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast())
}

/// In the range of public addresses, and not reserved in it. An address that embeds an IPv4 address is judged by that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    match address.segments() {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address that is embedded.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Teredo, benchmarks, ORCHID and other protocol assignments; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn only_the_public_internet_is_public() {
        for public in
            ["1.1.1.1", "223.130.195.95", "2606:4700:4700::1111", "64:ff9b::1.1.1.1", "2002:101:101::1"]
        {
            assert!(is_public(ip(public)), "{public}");
        }
        for inside in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.0.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "::ffff:10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_public(ip(inside)), "{inside}");
        }
    }

    #[test]
    fn an_administrator_lists_names_addresses_and_ranges() {
        let address = |text: &str| text.parse::<SocketAddr>().expect(text);
        let allowed = |text: &str| vec![text.parse::<AllowedHost>().expect(text)];
        for (listed, name, reached) in [
            ("wiki.local", Some("WIKI.local"), "10.1.2.3:80"),
            ("위키.local", Some("xn--9q5b29o.local"), "10.1.2.3:80"),
            ("10.0.0.0/8", None, "10.1.2.3:80"),
            ("127.0.0.1:8080", None, "127.0.0.1:8080"),
            ("127.0.0.1", None, "[::ffff:127.0.0.1]:80"),
            ("[::1]:8080", None, "[::1]:8080"),
            ("::1", None, "[::1]:80"),
        ] {
            assert!(may_reach(&allowed(listed), name, address(reached)), "{listed}");
            let printed = String::from(listed.parse::<AllowedHost>().expect(listed));
            assert_eq!(printed.parse::<AllowedHost>().expect(&printed), allowed(listed)[0]);
        }
        for (listed, name, reached) in [
            ("wiki.local", Some("evil.local"), "10.1.2.3:80"),
            ("wiki.local", None, "10.1.2.3:80"),
            ("10.0.0.0/8", None, "11.1.2.3:80"),
            ("127.0.0.1:8080", None, "127.0.0.1:8081"),
        ] {
            let is_inside = !is_public(address(reached).ip());
            assert_eq!(may_reach(&allowed(listed), name, address(reached)), !is_inside, "{listed}");
        }
        for bad in ["", "a b", "http://wiki", "10.0.0.0/99", "wiki:99999"] {
            assert!(bad.parse::<AllowedHost>().is_err(), "{bad}");
        }
    }
}
