//! Syslog over TCP, plain or within TLS: accepting, limits, and the reading of one connection.

use super::framing::Framing;
use super::{Intake, Reading, Source};
use event::Transport;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    TcpListener::from_std(socket.into())
}

pub(super) async fn run(intake: Arc<Intake>, listener: TcpListener, acceptor: Option<TlsAcceptor>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = intake.stopped() => break,
        };
        match accepted {
            Ok((stream, from)) => {
                // Beyond a limit the stream is dropped here, which closes it.
                if let Some(place) = Place::take(&intake, from.ip().to_canonical()) {
                    connections.spawn(serve(place, stream, acceptor.clone()));
                }
            }
            Err(error) => {
                // Out of file descriptors, most likely: wait for some connection to end.
                tracing::warn!(%error, "accepting a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// A connection's place among those allowed, given back on drop.
struct Place {
    intake: Arc<Intake>,
    peer: IpAddr,
    _permit: tokio::sync::OwnedSemaphorePermit,
}

impl Place {
    fn take(intake: &Arc<Intake>, peer: IpAddr) -> Option<Place> {
        let permit = Arc::clone(&intake.connections).try_acquire_owned().ok()?;
        let mut peers = intake.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let open = peers.entry(peer).or_insert(0);
        if *open >= intake.config.connections_per_peer_max {
            return None;
        }
        *open += 1;
        Some(Place { intake: Arc::clone(intake), peer, _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut peers = self.intake.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = peers.get_mut(&self.peer) {
            *open -= 1;
            if *open == 0 {
                peers.remove(&self.peer);
            }
        }
    }
}

async fn serve(place: Place, stream: TcpStream, acceptor: Option<TlsAcceptor>) {
    let Some(acceptor) = acceptor else { return read(&place, stream, Transport::Tcp).await };
    let limit = Duration::from_secs(place.intake.config.handshake_s);
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(limit, acceptor.accept(stream)) => shaken,
        () = place.intake.stopped() => return,
    };
    match shaken {
        Ok(Ok(stream)) => read(&place, stream, Transport::Tls).await,
        Ok(Err(error)) => tracing::debug!(peer = %place.peer, %error, "TLS handshake"),
        Err(_) => tracing::debug!(peer = %place.peer, "TLS handshake took too long"),
    }
}

async fn read(place: &Place, mut stream: impl AsyncRead + Unpin, transport: Transport) {
    let intake = &*place.intake;
    let idle = Duration::from_secs(intake.config.idle_s);
    let mut framing = Framing::new(intake.config.line_bytes_max);
    let mut reading = Reading::new(intake, Source::Peer(place.peer), transport);
    let mut buffer = vec![0; intake.config.read_bytes.max(1)];
    let mut until = Instant::now() + idle;
    let mut stopping = false;
    loop {
        let read = tokio::select! {
            biased;
            read = tokio::time::timeout_at(until, stream.read(&mut buffer)) => read,
            // What the peer had sent already is read first: `read` above comes before this.
            () = intake.stopped(), if !stopping => { stopping = true; continue },
            () = std::future::ready(()), if stopping => break,
        };
        let Ok(Ok(length @ 1..)) = read else { break };
        let part = buffer.get(..length).unwrap_or_default();
        match reading.take(|each| framing.feed(part, each)).await {
            // Only a whole line is progress, so that a byte now and then does not hold a place for ever.
            Ok(Some(_)) => until = Instant::now() + idle,
            Ok(None) => {}
            Err(_) => return, // the spool is closed; the ledger has counted it
        }
    }
    let _ = reading.take(|each| framing.finish(each)).await; // as above
}
