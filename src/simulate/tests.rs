use super::*;
use clap::Parser as _;
use std::time::Duration;

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    options: Options,
}

fn options(arguments: &str) -> Options {
    let arguments = std::iter::once("simulate").chain(arguments.split_whitespace());
    Command::try_parse_from(arguments).unwrap().options
}

fn lines(arguments: &str) -> (Vec<String>, Plan) {
    let options = options(arguments);
    let (total, province) = (options.total(), Province::new());
    let window = options.window(total, 1_763_900_000_000).unwrap();
    let plan = options.plan(window, total, &province).unwrap();
    let mut traffic = options.traffic(&province, &plan, window).unwrap();
    let mut line = Vec::new();
    let mut said = Vec::new();
    for _ in 0..total {
        line.clear();
        traffic.next(&mut line);
        said.push(String::from_utf8(line.clone()).unwrap());
    }
    (said, plan)
}

const HOUR: &str = "--stdout --rate 500 --duration 60s --speed 60 --start 2026-11-23T22:00:00+07:00";

#[test]
fn the_same_seed_gives_the_same_lines_and_another_seed_others() {
    let one = lines(&format!("{HOUR} --seed 7")).0;
    assert_eq!(one.len(), 30_000);
    assert!(one == lines(&format!("{HOUR} --seed 7")).0);
    assert!(one != lines(&format!("{HOUR} --seed 8")).0);
}

#[test]
fn every_entity_and_every_line_of_the_truth_is_in_the_traffic() {
    let (said, plan) = lines(HOUR);
    assert_eq!(plan.truth.len(), 5);
    assert_eq!(
        plan.truth.iter().map(|truth| truth["lines"].as_u64().unwrap()).sum::<u64>(),
        plan.lines.len() as u64
    );
    let text = said.join("\n");
    for truth in &plan.truth {
        // The firewall knows the computer of a flow by its address only.
        let by_address = matches!(truth["kind"].as_str().unwrap(), "beacon" | "upload");
        for (kind, names) in truth["entities"].as_object().unwrap() {
            for name in names.as_array().unwrap().iter().filter(|_| !(by_address && kind == "hosts")) {
                assert!(text.contains(name.as_str().unwrap()), "{name} of {truth}");
            }
        }
    }
    let of =
        |address: std::net::Ipv4Addr| said.iter().filter(|line| line.contains(&address.to_string())).count();
    assert_eq!(of(campaign::SPRAYER), 37);
    assert_eq!(of(campaign::SCANNER), 67);
    assert_eq!(of(campaign::LISTED), 54);
    assert_eq!(of(campaign::DROP_BOX), 3);
}

#[test]
fn every_line_is_one_line_with_a_priority_and_fits_a_datagram_and_no_two_are_alike() {
    let (mut said, _) = lines(HOUR);
    for line in &said {
        assert!(line.starts_with('<') && !line.contains('\n') && line.len() < 1400, "{line}");
    }
    let all = said.len();
    said.sort_unstable();
    said.dedup();
    assert_eq!(said.len(), all);
}

#[test]
fn every_line_carries_its_mark_and_every_vendor_takes_part() {
    let (said, _) = lines(&format!("{HOUR} --mark TEST"));
    let marked = said.iter().zip(1u64..).find(|(line, number)| !line.contains(&format!("TEST-{number}")));
    assert_eq!(marked, None);
    let vendors = [
        "devid=\"FG",
        ",TRAFFIC,",
        "%ASA-6-302013",
        "%ASA-6-302014",
        "%ASA-4-106023",
        " filterlog ",
        " sshd ",
    ];
    let others = [
        "sudo",
        "\"EventID\":4624",
        "\"EventID\":4625",
        "CEF:0|KasperskyLab",
        "\"event_type\":",
        " FOUND",
        "nginx",
    ];
    for vendor in vendors.iter().chain(&others) {
        assert!(said.iter().any(|line| line.contains(vendor)), "{vendor}");
    }
}

#[test]
fn noise_fails_at_most_three_sign_ins_of_a_user_in_an_hour_at_any_rate() {
    let (said, _) = lines(&HOUR.replace("500", "5000").replacen("--stdout", "--stdout --campaigns none", 1));
    let mut users = std::collections::HashMap::<&str, u32>::new();
    for line in &said {
        let user = line.split_once("Failed password for ").map(|(_, rest)| rest.split(' ').next().unwrap());
        let user = user.or_else(|| {
            line.contains(":4625")
                .then(|| line.split("UserName\":\"").nth(1).unwrap().split('"').next().unwrap())
        });
        *users.entry(user.unwrap_or("")).or_default() += 1;
    }
    users.remove("");
    assert!(users.len() > 300, "{}", users.len());
    assert!(users.values().all(|failures| *failures <= 3));
}

#[test]
fn panos_lines_have_the_documented_number_of_fields() {
    let (said, _) = lines(HOUR);
    let mut seen = 0;
    for line in said.iter().filter(|line| line.contains(",TRAFFIC,")) {
        assert_eq!(line.replace("\"used-by-malware,pervasive-use\"", "x").split(',').count(), 115, "{line}");
        seen += 1;
    }
    assert!(seen > 100);
}

#[test]
fn the_rate_says_how_many_lines_are_due() {
    assert_eq!(send::due(Duration::ZERO, 300), 1);
    assert_eq!(send::due(Duration::from_millis(500), 300), 151);
    assert_eq!(send::due(Duration::from_secs(60), 60_000), 3_600_001);
    assert_eq!(options("--rate 2000 --duration 60s").total(), 120_000);
    assert_eq!(options("--rate 0 --duration 1m").total(), 600_000);
    assert_eq!(options("--count 5").total(), 5);
}

#[test]
fn without_a_start_the_window_holds_half_past_ten_at_night_and_is_over_when_sending_is() {
    let options = options("--rate 2000 --duration 60s --speed 60");
    for now_ms in (1_763_900_000_000..1_763_990_000_000).step_by(3_600_000) {
        let window = options.window(options.total(), now_ms).unwrap();
        assert!(window.start_ms + window.length_ms <= now_ms + 60_000);
        let night = (window.start_ms + window.length_ms / 2) % 86_400_000;
        assert_eq!(night, (15 * 60 + 30) * 60_000);
    }
}

#[test]
fn a_campaign_asked_for_by_name_that_cannot_be_held_is_an_error_and_otherwise_left_out() {
    let province = Province::new();
    let plan = |arguments: &str| {
        let options = options(arguments);
        let window = options.window(options.total(), 1_763_900_000_000).unwrap();
        options.plan(window, options.total(), &province)
    };
    assert!(plan("--campaigns spray --duration 10s").is_err());
    assert!(plan("--campaigns upload --duration 1h --start 2026-11-23T09:00:00+07:00").is_err());
    assert_eq!(plan("--duration 1h --start 2026-11-23T09:00:00+07:00").unwrap().truth.len(), 4);
    assert!(plan("--count 100 --speed 6000").unwrap().lines.is_empty());
}

/// Takes `connections` TCP connections apart into lines, told from their first byte as RFC 6587 has it.
fn received(listener: &std::net::TcpListener, connections: usize) -> Vec<String> {
    use std::io::Read as _;
    let mut lines = Vec::new();
    // The peer sends to all of them at once: each needs its reader.
    let readers: Vec<_> = (0..connections)
        .map(|_| {
            let mut peer = listener.accept().unwrap().0;
            std::thread::spawn(move || {
                let mut text = String::new();
                peer.read_to_string(&mut text).unwrap();
                text
            })
        })
        .collect();
    for text in readers.into_iter().map(|reader| reader.join().unwrap()) {
        if text.starts_with('<') {
            lines.extend(text.lines().map(str::to_owned));
            continue;
        }
        let mut rest = text.as_str();
        while let Some((length, after)) = rest.split_once(' ') {
            let (line, next) = after.split_at(length.parse().unwrap());
            lines.push(line.to_owned());
            rest = next;
        }
    }
    lines
}

#[test]
fn every_line_arrives_once_over_tcp_in_both_framings_and_over_udp() {
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (tcp_address, udp_address) = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
    let arguments = format!(
        "--target-tcp {tcp_address} --target-udp {udp_address} --rate 0 --count 200 --connections 2 --campaigns none \
         --start 2026-11-23T22:00:00+07:00"
    );
    let options = options(&arguments);
    let reader = std::thread::spawn(move || received(&tcp, 2));
    let province = Province::new();
    let window = options.window(200, 0).unwrap();
    let plan = Plan::default();
    let sent = send::send(&mut options.traffic(&province, &plan, window).unwrap(), &options, 200).unwrap();
    let mut got = reader.join().unwrap();
    assert_eq!(got.len() as u64, sent.tcp);
    assert!(sent.tcp > 50 && sent.udp > 50 && sent.tcp + sent.udp == 200);
    let mut datagram = [0; 2048];
    for _ in 0..sent.udp {
        let length = udp.recv(&mut datagram).unwrap();
        got.push(String::from_utf8(datagram[..length].to_vec()).unwrap());
    }
    let (mut wanted, _) = lines(&arguments);
    got.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(got, wanted);
}
