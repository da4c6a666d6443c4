//! Bounds the open connections, in all and per address. Where the bound is reached, the connection that has been idle for
//! longest is closed in favour of the new one: whoever opens connections and says nothing keeps nobody out. Tells when a
//! connection has been silent for too long.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// Bits of an IPv6 address that name a network: whoever has one address there has all of them.
const IPV6_NETWORK_BITS: u32 = 64;

/// `idle_since` of a connection with a request in hand.
const BUSY: u64 = u64::MAX;

/// Maximum time for a head, from the beginning of the connection or from its first byte.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Maximum time from a response to the beginning of the next request.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Maximum time until it is noticed that a head has begun.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Maximum numbers of open connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectionLimits {
    pub(super) total: usize,
    pub(super) per_address: usize,
}

/// The open connections of a server.
pub(super) struct Connections {
    limits: ConnectionLimits,
    /// Closes all of them.
    stop: CancellationToken,
    /// The times of their states are nanoseconds from here.
    began: Instant,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next_id: u64,
    connections: HashMap<u64, Arc<State>>,
    by_network: HashMap<IpAddr, usize>,
}

/// What a connection's task and the others know of it.
struct State {
    began: Instant,
    network: IpAddr,
    idle_since: AtomicU64,
    /// Since when a head is expected or comes in; 0 between a response and the next request.
    head_since: AtomicU64,
    close: CancellationToken,
}

/// One open connection, until it is dropped.
pub(super) struct Connection {
    connections: Arc<Connections>,
    id: u64,
    state: Arc<State>,
}

/// A request in hand, until it is dropped.
pub(super) struct Request(Arc<State>);

impl State {
    fn now(&self) -> u64 {
        nanoseconds_since(self.began)
    }
}

fn nanoseconds_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(BUSY - 1)
}

impl Connections {
    /// None yet. `stop` tells all of them to close.
    pub(super) fn new(limits: ConnectionLimits, stop: CancellationToken) -> Arc<Self> {
        Arc::new(Self { limits, stop, began: Instant::now(), open: Mutex::default() })
    }

    /// Counts a new connection from `address`; `None` where all that could make room are busy.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Connection> {
        let network = network_of(address);
        let mut open = self.lock();
        if open.by_network.get(&network).is_some_and(|count| *count >= self.limits.per_address) {
            open.close_longest_idle(|state| state.network == network)?;
        }
        if open.connections.len() >= self.limits.total {
            open.close_longest_idle(|_| true)?;
        }
        let now = nanoseconds_since(self.began);
        let state = Arc::new(State {
            began: self.began,
            network,
            idle_since: AtomicU64::new(now),
            head_since: AtomicU64::new(now),
            close: self.stop.child_token(),
        });
        let id = open.next_id;
        open.next_id += 1;
        open.connections.insert(id, state.clone());
        *open.by_network.entry(network).or_default() += 1;
        Some(Connection { connections: self.clone(), id, state })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // No step between two others can fail, so the numbers are right after a panic, too.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Forgets the connection that has been idle for longest among some, and tells it to close; `None` if all are busy.
    fn close_longest_idle(&mut self, among: impl Fn(&State) -> bool) -> Option<()> {
        let mut longest: Option<(u64, u64)> = None;
        for (id, state) in &self.connections {
            let idle_since = state.idle_since.load(Ordering::Relaxed);
            if idle_since != BUSY && among(state) && longest.is_none_or(|(_, since)| idle_since < since) {
                longest = Some((*id, idle_since));
            }
        }
        let (id, _) = longest?;
        self.remove(id)?.close.cancel();
        Some(())
    }

    fn remove(&mut self, id: u64) -> Option<Arc<State>> {
        let state = self.connections.remove(&id)?;
        if let Some(count) = self.by_network.get_mut(&state.network) {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&state.network);
            }
        }
        Some(state)
    }
}

impl Connection {
    /// Marks the connection as busy until the request is dropped.
    pub(super) fn begin_request(&self) -> Request {
        self.state.idle_since.store(BUSY, Ordering::Relaxed);
        self.state.head_since.store(0, Ordering::Relaxed);
        Request(self.state.clone())
    }

    /// Whether no request is in hand.
    pub(super) fn is_idle(&self) -> bool {
        self.state.idle_since.load(Ordering::Relaxed) != BUSY
    }

    /// Notes that bytes have come in: between two requests they are the beginning of a head.
    pub(super) fn bytes_came(&self) {
        if self.is_idle() && self.state.head_since.load(Ordering::Relaxed) == 0 {
            self.state.head_since.store(self.state.now(), Ordering::Relaxed);
        }
    }

    /// Resolves when a head has not come to its end in time, or no next one has begun in time. One timer serves all requests
    /// of a connection: hyper's is made anew for each, which was seen in the throughput of small requests.
    pub(super) async fn overdue(&self) {
        loop {
            let now = Instant::now();
            let deadline = self.deadline(now);
            if deadline <= now {
                return;
            }
            sleep_until(deadline.min(now + CHECK_INTERVAL)).await;
        }
    }

    fn deadline(&self, now: Instant) -> Instant {
        let at = |nanoseconds| self.state.began + Duration::from_nanos(nanoseconds);
        let State { idle_since, head_since, .. } = &*self.state;
        match (idle_since.load(Ordering::Relaxed), head_since.load(Ordering::Relaxed)) {
            (BUSY, _) => now + HEAD_TIMEOUT,
            (idle_since, 0) => at(idle_since) + KEEP_ALIVE,
            (_, head_since) => at(head_since) + HEAD_TIMEOUT,
        }
    }

    /// Resolves when the connection has to make room for another one, or the server stops.
    pub(super) fn told_to_close(&self) -> WaitForCancellationFuture<'_> {
        self.state.close.cancelled()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // One that made room is forgotten already.
        let _ = self.connections.lock().remove(self.id);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.now(), Ordering::Relaxed);
    }
}

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mask = u128::MAX << (u128::BITS - IPV6_NETWORK_BITS);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(total: usize, per_address: usize) -> Arc<Connections> {
        Connections::new(ConnectionLimits { total, per_address }, CancellationToken::new())
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn is_told_to_close(connection: &Connection) -> bool {
        connection.state.close.is_cancelled()
    }

    #[test]
    fn the_longest_idle_connection_makes_room() {
        let connections = connections(3, 3);
        let [first, second, third] =
            ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|from| connections.admit(address(from)).unwrap());
        drop(first.begin_request());
        assert!(connections.admit(address("10.0.0.4")).is_some());
        assert_eq!([&first, &second, &third].map(is_told_to_close), [false, true, false]);
    }

    #[test]
    fn a_busy_connection_is_never_closed_for_another() {
        let connections = connections(2, 2);
        let [first, second] = ["10.0.0.1", "10.0.0.2"].map(|from| connections.admit(address(from)).unwrap());
        let requests = [first.begin_request(), second.begin_request()];
        assert!(connections.admit(address("10.0.0.3")).is_none());
        assert!(![&first, &second].map(is_told_to_close).contains(&true));
        drop(requests);
        assert!(first.is_idle() && connections.admit(address("10.0.0.3")).is_some());
        assert!(is_told_to_close(&first));
    }

    #[test]
    fn one_address_does_not_take_the_connections_of_another() {
        let connections = connections(8, 2);
        let visitor = connections.admit(address("10.0.0.1")).unwrap();
        let crowd: Vec<Connection> =
            (0..2).map(|_| connections.admit(address("10.0.0.2")).unwrap()).collect();
        let next = connections.admit(address("10.0.0.2")).unwrap();
        assert!(!is_told_to_close(&visitor) && is_told_to_close(&crowd[0]) && !is_told_to_close(&next));
        // What has made room counts no more, whenever it ends.
        drop(crowd);
        let requests =
            [next.begin_request(), connections.admit(address("10.0.0.2")).unwrap().begin_request()];
        assert_eq!(connections.lock().by_network[&address("10.0.0.2")], 1);
        drop((requests, next, visitor));
        let open = connections.lock();
        assert!(open.connections.is_empty() && open.by_network.is_empty());
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        assert_eq!(network_of(address("2001:db8:1:2:3:4:5:6")), network_of(address("2001:db8:1:2::1")));
        assert_ne!(network_of(address("2001:db8:1:2::1")), network_of(address("2001:db8:1:3::1")));
        assert_eq!(network_of(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }
    #[test]
    fn a_head_has_less_time_than_the_pause_before_it() {
        let connections = connections(2, 2);
        let connection = connections.admit(address("10.0.0.1")).unwrap();
        let seconds_left = || {
            let now = Instant::now();
            (connection.deadline(now) - now).as_secs_f64().ceil()
        };
        assert_eq!(seconds_left(), HEAD_TIMEOUT.as_secs_f64());
        let request = connection.begin_request();
        // As long as it takes: the body has bounds of its own.
        let late = Instant::now() + 10 * KEEP_ALIVE;
        assert!(connection.deadline(late) > late);
        drop(request);
        assert_eq!(seconds_left(), KEEP_ALIVE.as_secs_f64());
        connection.bytes_came();
        assert_eq!(seconds_left(), HEAD_TIMEOUT.as_secs_f64());
    }
}
