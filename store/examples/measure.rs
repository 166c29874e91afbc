//! Measures inserts into the engine: `cargo run --release -p store --example measure -- [batches]`, batches of 100,000
//! firewall-like events. Prints rows and CPU time of both processes, memory and disk.

use event::{Draft, Event, EventId, Field, Raw, Time, Transport, Value};
use std::path::Path;
use std::time::Instant;
use store::engine::{Config, Program, ServeOptions, Supervisor};
use store::events::{self, Events, Target};

const ROWS: u64 = 100_000;
const START: i64 = 1_790_000_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let batches = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?
        .block_on(measure(batches))
}

async fn measure(batches: u64) -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new("target/measure");
    let _ = std::fs::remove_dir_all(folder); // there is none at first
    let options = ServeOptions::within(folder, &Config::default());
    let engine = std::env::current_exe()?.with_file_name("engine");
    let supervisor =
        Supervisor::start(Program { executable: engine, arguments: Vec::new() }, &options).await?;
    let store = Events::connect(Target::Socket(options.socket.clone()), events::Config::default());
    store.migrate().await?;
    let idle = status(supervisor.pid(), "VmRSS:")?;
    let (mut wall, mut own) = (0.0, 0.0);
    let before = cpu_s(supervisor.pid())?;
    let mut peak = 0;
    for batch in 0..batches {
        let events: Vec<Event> = (batch * ROWS..(batch + 1) * ROWS).map(event).collect();
        let (begun, cpu) = (Instant::now(), cpu_s(std::process::id())?);
        store.insert(&events, &format!("measure-{batch}")).await?;
        wall += begun.elapsed().as_secs_f64();
        own += cpu_s(std::process::id())? - cpu;
        peak = peak.max(status(supervisor.pid(), "VmRSS:")?);
    }
    let (rows, rows_count) = (precise(batches * ROWS), batches * ROWS);
    let engine = cpu_s(supervisor.pid())? - before;
    let sql = "SELECT sum(data_compressed_bytes) FROM system.parts WHERE active AND table = 'events'";
    let disk: u64 = store.client().query_raw(sql).fetch_one().await?;
    println!("rows {rows_count}, rows/s while inserting {:.0}", rows / wall);
    println!("CPU per row: own {:.2} us, engine with merges {:.2} us", own / rows * 1e6, engine / rows * 1e6);
    println!("engine resident: idle {idle} KiB, most {peak} KiB; disk {:.1} B/row", precise(disk) / rows);
    let sql = "SELECT name, sum(column_data_compressed_bytes) AS bytes FROM (SELECT column AS name, \
               column_data_compressed_bytes FROM system.parts_columns WHERE active AND table = 'events') GROUP BY name \
               ORDER BY bytes DESC LIMIT 14";
    for (name, bytes) in store.client().query_raw(sql).fetch_all::<(String, u64)>().await? {
        println!("  {name} {:.2} B/row", precise(bytes) / rows);
    }
    let begun = Instant::now();
    let query = store::query::Query::parse("user.name:user7 destination.port:443")?;
    let search =
        events::Search { from: Time(START), to: Time(START + 86_400_000), query, limit: 100, cursor: None };
    let found = store.search(&search).await?.items.len();
    println!("search: {found} events in {:?}", begun.elapsed());
    supervisor.stop().await;
    Ok(())
}

/// What every event of this firewall says.
const WORDS: &[(Field, &str)] = &[
    (Field::EVENT_DATASET, "fortinet.firewall"),
    (Field::EVENT_MODULE, "fortinet"),
    (Field::EVENT_KIND, "event"),
    (Field::EVENT_ACTION, "accept"),
    (Field::EVENT_OUTCOME, "success"),
    (Field::OBSERVER_VENDOR, "Fortinet"),
    (Field::OBSERVER_PRODUCT, "FortiGate"),
    (Field::NETWORK_TRANSPORT, "tcp"),
    (Field::NETWORK_PROTOCOL, "https"),
    (Field::LOG_LEVEL, "notice"),
    (Field::EVENT_CATEGORY, "network"),
    (Field::EVENT_TYPE, "connection"),
    (Field::EVENT_TYPE, "allowed"),
    (Field::EVENT_CODE, "0000000013"),
    (Field::OBSERVER_INGRESS_INTERFACE_NAME, "lan"),
    (Field::OBSERVER_EGRESS_INTERFACE_NAME, "wan1"),
];

fn event(sequence: u64) -> Event {
    // Multiplying by a large odd number scatters the values without a random generator.
    let random = sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let time = Time(START + i64::try_from(sequence / 20).unwrap_or(0));
    let (source, destination) = (
        format!("10.{}.{}.{}", random % 3, random % 41, random % 200),
        format!("203.0.113.{}", random % 251),
    );
    let (port, bytes, user) = (1024 + random % 60_000, random % 100_000, random % 300);
    let device = random % 40;
    let line = format!(
        "<189>date=2026-09-21 time=14:13:20 devname=\"FGT-{device}\" devid=\"FG100F00000000{device:02}\" eventtime={} \
         tz=\"+0700\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" \
         srcip={source} srcport={port} srcintf=\"lan\" srcintfrole=\"lan\" dstip={destination} dstport=443 \
         dstintf=\"wan1\" dstintfrole=\"wan\" policyid={} sessionid={random} proto=6 action=\"accept\" service=\"HTTPS\" \
         user=\"user{user}\" duration={} sentbyte={bytes} rcvdbyte={} sentpkt={} rcvdpkt={}",
        time.0 * 1_000_000,
        random % 30,
        random % 200,
        bytes * 3,
        bytes / 900,
        bytes / 300
    );
    let received = time.plus_ms(800);
    let id = EventId::new(received, 1, sequence);
    let peer = std::net::Ipv4Addr::new(10, 9, 0, u8::try_from(device).unwrap_or(0));
    let raw = Raw {
        line: &line,
        id,
        received,
        peer: Some(peer.into()),
        transport: Transport::Udp,
        tz_offset_s: 25200,
    };
    let mut draft = Draft::new(&raw);
    draft.date(Field::TIMESTAMP, time);
    for (field, word) in WORDS {
        draft.word(*field, word);
    }
    draft.put(Field::OBSERVER_NAME, &format!("FGT-{device}"));
    draft.put(Field::SOURCE_IP, &source);
    draft.put(Field::DESTINATION_IP, &destination);
    draft.put(Field::USER_NAME, &format!("user{user}"));
    for (field, number) in [
        (Field::SOURCE_PORT, port),
        (Field::DESTINATION_PORT, 443),
        (Field::SOURCE_BYTES, bytes),
        (Field::DESTINATION_BYTES, bytes * 3),
        (Field::NETWORK_BYTES, bytes * 4),
        (Field::LOG_SYSLOG_PRIORITY, 189),
    ] {
        draft.long(field, i64::try_from(number).unwrap_or(0));
    }
    for key in ["vd", "srcintfrole", "dstintfrole", "subtype", "type", "tz"] {
        draft.extra("fortinet.firewall", key, "root");
    }
    draft.extra_value("fortinet.firewall", "policyid", Value::Long(i64::try_from(random % 30).unwrap_or(0)));
    draft.extra_value("fortinet.firewall", "sessionid", Value::Long(i64::try_from(random).unwrap_or(0)));
    draft.finish()
}

/// A figure of `/proc/PID/status`.
fn status(pid: u32, name: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0");
    Ok(line.split_whitespace().next().unwrap_or("0").parse()?)
}

/// CPU time of a process in seconds: the kernel counts hundredths.
fn cpu_s(pid: u32) -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}

#[allow(clippy::cast_precision_loss, reason = "printed with one decimal")]
fn precise(number: u64) -> f64 {
    number as f64
}
