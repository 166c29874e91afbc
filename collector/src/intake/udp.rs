//! Syslog over UDP (RFC 5426): one datagram, one line.

use super::{Intake, Source, framing, now};
use crate::spool::Lines;
use event::Transport;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::UdpSocket;

/// Datagrams taken at one wakeup before the spool and the ledger are told.
const DATAGRAMS_MAX: usize = 256;

pub(super) fn bind(address: SocketAddr, receive_bytes: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    // Refused above the system's limit only in part: the kernel gives what it may.
    socket.set_recv_buffer_size(receive_bytes)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

pub(super) async fn run(intake: Arc<Intake>, socket: UdpSocket) {
    let mut buffer = vec![0; 65_536];
    let mut taking = Taking { intake: &intake, lines: Lines::new(), counts: HashMap::new() };
    loop {
        tokio::select! {
            ready = socket.readable() => {
                if let Err(error) = ready {
                    tracing::warn!(%error, "waiting for datagrams");
                }
                taking.drain(&socket, &mut buffer);
            }
            () = intake.stopped() => {
                // What the kernel holds was received before the stop.
                while taking.drain(&socket, &mut buffer) {}
                return;
            }
        }
    }
}

#[derive(Default)]
struct Count {
    met: framing::Met,
    bytes: u64,
}

struct Taking<'i> {
    intake: &'i Intake,
    lines: Lines,
    counts: HashMap<IpAddr, Count>,
}

impl Taking<'_> {
    /// Takes what is there, up to a bound; true if there may be more.
    fn drain(&mut self, socket: &UdpSocket, buffer: &mut [u8]) -> bool {
        let received = now();
        let mut taken = 0;
        while taken < DATAGRAMS_MAX {
            let (length, peer) = match socket.try_recv_from(buffer) {
                Ok((length, peer)) => (length, peer.ip().to_canonical()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // An ICMP answer to someone else's datagram; the next one is fine.
                Err(_) => {
                    taken += 1;
                    continue;
                }
            };
            taken += 1;
            let line = buffer.get(..length).unwrap_or_default();
            let end =
                line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0)).map_or(0, |last| last + 1);
            let count = self.counts.entry(peer).or_default();
            if end == 0 {
                count.met.empty += 1;
                continue;
            }
            let kept = end.min(self.intake.config.line_bytes_max);
            count.met.lines += 1;
            count.met.cut += u64::from(kept < end);
            count.bytes += kept as u64;
            let tz_offset_s = self.intake.tz_offset_s(Some(peer));
            self.lines.push(&line[..kept], received, Some(peer), Transport::Udp, tz_offset_s);
        }
        self.hand_over(received);
        taken == DATAGRAMS_MAX
    }

    fn hand_over(&mut self, received: event::Time) {
        if self.counts.is_empty() {
            return;
        }
        let change = |rejected: bool, counts: &HashMap<IpAddr, Count>| {
            for (&peer, count) in counts {
                self.intake.ledger.change(&Source::Peer(peer), |account| {
                    if rejected {
                        account.rejected += count.met.lines;
                        return;
                    }
                    account.received += count.met.lines;
                    account.cut += count.met.cut;
                    account.empty += count.met.empty;
                    account.bytes += count.bytes;
                    account.last_seen = received;
                });
            }
        };
        change(false, &self.counts);
        if !self.lines.is_empty() && self.intake.spool.try_append(&self.lines).is_err() {
            change(true, &self.counts); // UDP cannot be told to wait
        }
        self.counts.clear();
        self.lines.clear();
    }
}
