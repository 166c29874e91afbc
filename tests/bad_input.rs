//! What an attacker or a broken device sends: a clear error or a counted drop, nothing else lost, no panic.

use crate::stack::{Stack, wait};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

fn send_good_line(to: SocketAddr, marker: &str) {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(format!("<13>Nov 23 10:00:00 may1 app: marker-{marker}\n").as_bytes()).unwrap();
}

fn assert_still_takes_lines(stack: &mut Stack, marker: &str) {
    send_good_line(stack.addresses.tcp[0], marker);
    stack.client().wait_count(&format!("\"marker-{marker}\""), 1, Duration::from_secs(20));
    assert!(stack.is_running());
    assert!(!stack.log().contains("panicked"), "{}", stack.log());
}

#[test]
fn empty_huge_binary_and_broken_lines_lose_nothing_else() {
    let mut stack = Stack::start();
    let to = stack.addresses.tcp[0];
    let client = stack.client();
    let mut stream = TcpStream::connect(to).unwrap();
    stream.write_all(b"\n\n\r\n").unwrap();
    let mut huge = b"<13>Nov 23 10:00:00 may1 app: marker-huge ".to_vec();
    huge.resize(1 << 20, b'x');
    huge.push(b'\n');
    stream.write_all(&huge).unwrap();
    stream.write_all(b"marker-binary \x01\xff\xfe\x80 end\n").unwrap();
    stream.write_all(b"99999999999999999999 <13>marker-badcount\n").unwrap();
    stream.write_all(b"<13>Nov 23 10:00:00 may1 app: marker-after\n").unwrap();
    stream.write_all(b"marker-unterminated").unwrap();
    drop(stream);
    for marker in ["huge", "binary", "badcount", "after", "unterminated"] {
        client.wait_count(&format!("\"marker-{marker}\""), 1, Duration::from_secs(20));
    }
    let binary = client.events("\"marker-binary\"").remove(0);
    assert!(
        binary["event"]["original"].as_str().unwrap().contains("\\xFF\\xFE"),
        "no byte is lost: {binary}"
    );
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(b"", stack.addresses.udp[0]).unwrap();
    udp.send_to(&[0xff; 60_000], stack.addresses.udp[0]).unwrap();
    udp.send_to(b"<13>Nov 23 10:00:00 may1 app: marker-udp", stack.addresses.udp[0]).unwrap();
    client.wait_count("\"marker-udp\"", 1, Duration::from_secs(20));
    assert_still_takes_lines(&mut stack, "onward");
}

#[test]
fn ten_thousand_idle_connections_a_slow_loris_and_half_a_handshake_do_not_stop_others() {
    let mut stack =
        Stack::start_with("[collector.intake]\nconnections_max = 12000\nconnections_per_peer_max = 12000\n");
    let to = stack.addresses.tcp[0];
    let mut idle = Vec::new();
    for n in 0..10_000 {
        match TcpStream::connect(to) {
            Ok(stream) => idle.push(stream),
            Err(error) => panic!("connection {n}: {error}; raise `ulimit -n`"),
        }
    }
    let mut loris = TcpStream::connect(to).unwrap();
    loris.write_all(b"<13>Nov 23 10:00:00 may1 app: mar").unwrap();
    let mut half = TcpStream::connect(stack.addresses.tls[0]).unwrap();
    half.write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).unwrap();
    let mut not_tls = TcpStream::connect(stack.addresses.tls[0]).unwrap();
    not_tls.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    not_tls.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = not_tls.read_to_end(&mut answer); // an alert, then closed: read_to_end returns
    assert_still_takes_lines(&mut stack, "crowd");
    loris.write_all(b"ker-loris\n").unwrap();
    stack.client().wait_count("\"marker-loris\"", 1, Duration::from_secs(20));
    drop(idle);
    assert_still_takes_lines(&mut stack, "alone");
}

#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged_and_ends_when_space_returns() {
    let place = tempfile::tempdir().unwrap();
    let small = place.path().join("small");
    std::fs::create_dir(&small).unwrap();
    let _mounted = Tmpfs::mount(&small, "24m");
    let mut stack = Stack::start_with(&format!(
        "[collector]\nspool_folder = \"{}\"\n[collector.spool]\nsegment_bytes = 4194304\n",
        small.display()
    ));
    send_good_line(stack.addresses.tcp[0], "before");
    stack.client().wait_count("\"marker-before\"", 1, Duration::from_secs(20));
    let ballast = small.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    let block = vec![0u8; 1 << 16];
    while file.write_all(&block).is_ok() {}
    drop(file);
    let to = stack.addresses.tcp[0];
    let sender = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(to).unwrap();
        for n in 0..2000 {
            let line = format!("<13>Nov 23 10:00:00 may1 app: marker-full {n} {}\n", "y".repeat(1000));
            if stream.write_all(line.as_bytes()).is_err() {
                return;
            }
        }
    });
    wait(Duration::from_secs(30), || stack.log().to_lowercase().contains("no space").then_some(()))
        .expect("the log says that the disk is full");
    assert!(stack.is_running());
    std::fs::remove_file(&ballast).unwrap();
    sender.join().unwrap();
    stack.client().wait_count("\"marker-full\"", 2000, Duration::from_secs(60));
    assert_still_takes_lines(&mut stack, "space");
}

/// A small file system of the test's own; unmounted when dropped.
pub(crate) struct Tmpfs(std::path::PathBuf);

impl Tmpfs {
    pub(crate) fn mount(at: &std::path::Path, size: &str) -> Tmpfs {
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .status()
            .unwrap();
        assert!(mounted.success(), "mounting a tmpfs needs root, as `make test` does for Debian's packages");
        Tmpfs(at.to_owned())
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
