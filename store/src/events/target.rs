//! Where the events are: the embedded engine's socket, or a ClickHouse server.

use clickhouse::{Client, Compression};
use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::UnixStream;

/// Where the events are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// The embedded engine's socket.
    Socket(PathBuf),
    /// A server or cluster.
    Server {
        /// `https://host:8443`.
        url: String,
        /// The account.
        user: String,
        /// Its password.
        password: String,
        /// The database.
        database: String,
        /// The cluster of `ON CLUSTER`; its tables replicate. A single server if not given.
        cluster: Option<String>,
    },
}

impl Target {
    /// A client of the target. It connects with the first request.
    pub(super) fn client(&self) -> Client {
        match self {
            Target::Socket(path) => {
                let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
                    .pool_idle_timeout(Duration::from_secs(5)) // before the bridge closes it
                    .build(SocketConnector { path: path.clone() });
                // Between two processes of one machine compression only costs.
                Client::with_http_client(http)
                    .with_url("http://engine.invalid")
                    .with_compression(Compression::None)
                    .with_database("haidang")
            }
            Target::Server { url, user, password, database, .. } => Client::default()
                .with_url(url)
                .with_user(user)
                .with_password(password)
                .with_database(database),
        }
    }

    /// The database of the events.
    pub(super) fn database(&self) -> &str {
        match self {
            Target::Socket(_) => "haidang",
            Target::Server { database, .. } => database,
        }
    }

    /// The cluster whose tables replicate, if it is one.
    pub(super) fn cluster(&self) -> Option<&str> {
        match self {
            Target::Socket(_) => None,
            Target::Server { cluster, .. } => cluster.as_deref(),
        }
    }
}

/// Connects every request to one Unix socket, whatever its address says.
#[derive(Clone)]
struct SocketConnector {
    path: PathBuf,
}

impl tower_service::Service<Uri> for SocketConnector {
    type Response = Socket;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Socket>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let path = self.path.clone();
        Box::pin(async move { connect(&path).await })
    }
}

async fn connect(path: &Path) -> io::Result<Socket> {
    let stream = UnixStream::connect(path).await;
    let stream = stream.map_err(|cause| {
        io::Error::new(cause.kind(), format!("the engine's socket {}: {cause}", path.display()))
    })?;
    Ok(Socket(TokioIo::new(stream)))
}

/// A connection to the socket, as the HTTP client wants it.
struct Socket(TokioIo<UnixStream>);

impl Connection for Socket {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, data)
    }
}
