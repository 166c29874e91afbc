//! The signed antivirus report against xmlsec1.

use event::Time;
use exchange::Organisation;
use exchange::edxml::{
    AvReport, AvReportConfig, Connection, Machine, Malware, Redaction, Section, SignError, Signer, System,
};
use std::path::Path;
use std::process::Command;

/// A key and its certificate by openssl, in `folder` under `name`.
fn key(folder: &Path, name: &str, bits: u32) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "30", "-subj", "/C=VN/O=Vi du/CN=Trung tam giam sat"])
        .args(["-newkey", &format!("rsa:{bits}")])
        .arg("-keyout")
        .arg(folder.join(format!("{name}.key")))
        .arg("-out")
        .arg(folder.join(format!("{name}.pem")))
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

fn signer(folder: &Path) -> Signer {
    Signer::new(&read(folder, "a.key"), &read(folder, "a.pem")).unwrap()
}

fn us() -> Organisation {
    Organisation {
        name: "Trung tâm giám sát & ứng cứu <tỉnh>".to_owned(),
        email: "soc@vidu.example".to_owned(),
        ..Organisation::default()
    }
}

/// A report whose texts try what XML and canonicalisation treat apart.
fn report() -> AvReport {
    let machine = Machine { name: "MAY-07 \"a\"\t&\n\r<b>".to_owned(), address: "10.30.1.7".to_owned() };
    AvReport {
        product: "Kaspersky Security Center, \"ESET\" & <ClamAV>\r\n".to_owned(),
        from: Time(1_795_712_400_000),
        to: Time(1_795_798_800_000),
        malware: vec![Malware {
            machine: machine.clone(),
            name: "HEUR:Trojan.Win32.ViDu.gen ]]> \u{7}\u{85}\u{2028} đặc \u{fffe}\u{1f41b}".to_owned(),
            kind: "Trojan".to_owned(),
            action: "threat-removed".to_owned(),
            device: "removable".to_owned(),
            files: 3,
        }],
        connections: vec![Connection {
            machine: machine.clone(),
            program: "a.exe".to_owned(),
            target: "198.51.100.23".to_owned(),
            ..Connection::default()
        }],
        systems: vec![System {
            machine,
            os: "Windows 11".to_owned(),
            updated: Some(Time(1_795_700_000_000)),
        }],
        outdated: Some(12),
    }
}

/// Whether xmlsec1 believes the document, trusting the certificate.
fn verifies(folder: &Path, document: &[u8], place: &str, trusted: &str) -> bool {
    let file = folder.join(place);
    std::fs::write(&file, document).unwrap();
    let done = Command::new("xmlsec1")
        .args(["--verify", "--trusted-pem"])
        .arg(folder.join(trusted))
        .arg(&file)
        .output()
        .expect("xmlsec1 is missing: run deploy/install test");
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.success(), said.lines().any(|line| line == "OK"), "{said}");
    done.status.success()
}

#[test]
fn xmlsec1_verifies_the_report_whatever_its_texts_are() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    key(folder, "a", 2048);
    key(folder, "b", 3072);
    let keeps = AvReportConfig {
        machine_names: Redaction::Keep,
        machine_addresses: Redaction::Keep,
        ..AvReportConfig::default()
    };
    let document = exchange::edxml::signed(&report(), &us(), &keeps, &signer(folder)).unwrap();
    assert!(verifies(folder, document.as_bytes(), "a.xml", "a.pem"), "{document}");
    assert!(!verifies(folder, document.as_bytes(), "a.xml", "b.pem"), "another certificate is trusted");
    let again = exchange::edxml::signed(&report(), &us(), &keeps, &signer(folder)).unwrap();
    assert_eq!(document, again, "the same report, the same bytes");
    assert!(
        document
            .contains("<Machine ip=\"10.30.1.7\" name=\"MAY-07 &quot;a&quot;&#x9;&amp;&#xA;&#xD;&lt;b>\">")
    );
    assert!(document.contains("<Datetime>1795798800</Datetime>"));
    // Other names, another key size, fewer sections, nothing in it.
    let names = [("edXML:Subject".to_owned(), "Subject".to_owned()), ("Md5".to_owned(), "md5".to_owned())];
    let other = AvReportConfig {
        names: names.into(),
        sections: vec![Section::Connection, Section::Update],
        ..AvReportConfig::default()
    };
    let signer = Signer::new(&read(folder, "b.key"), &read(folder, "b.pem")).unwrap();
    let document = exchange::edxml::signed(&report(), &us(), &other, &signer).unwrap();
    assert!(verifies(folder, document.as_bytes(), "b.xml", "b.pem"), "{document}");
    assert!(document.contains("<Subject>AVReport ") && document.contains("<md5></md5>"), "{document}");
    assert!(!document.contains("<Malware>") && !document.contains("<OS>"), "{document}");
    let document = exchange::edxml::signed(&AvReport::default(), &us(), &other, &signer).unwrap();
    assert!(verifies(folder, document.as_bytes(), "c.xml", "b.pem"), "{document}");
}

#[test]
fn xmlsec1_finds_every_change_of_one_byte_in_header_and_body() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    key(folder, "a", 2048);
    let config = AvReportConfig { sections: vec![Section::Malware], ..AvReportConfig::default() };
    let document = exchange::edxml::signed(&report(), &us(), &config, &signer(folder)).unwrap();
    let bytes = document.as_bytes();
    assert!(verifies(folder, bytes, "whole.xml", "a.pem"));
    let (begin, end) =
        (document.find("<edXML:edXMLHeader>").unwrap(), document.find("</edXMLEnvelope>").unwrap());
    let signature = document.find("<Signature").unwrap()..document.find("</Signature>").unwrap() + 12;
    let places: Vec<usize> = (begin..end).filter(|at| !signature.contains(at)).collect();
    assert!(places.len() > 900, "{}", places.len());
    let check = |half: usize| {
        for at in places.iter().skip(half).step_by(2) {
            let mut changed = bytes.to_vec();
            // Still a letter where it was one, so that not only the parser finds it.
            changed[*at] ^= if changed[*at].is_ascii_alphanumeric() { 1 } else { 4 };
            assert!(!verifies(folder, &changed, &format!("{half}.xml"), "a.pem"), "byte {at} of {document}");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| check(0));
        check(1);
    });
}

#[test]
fn machines_are_told_by_pseudonyms_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    key(folder, "a", 2048);
    let document = |config: &AvReportConfig| {
        let mut report = report();
        report.malware[0].machine = Machine { name: "MAY-07".to_owned(), address: "10.30.1.7".to_owned() };
        report.connections[0].machine = Machine { name: "may-07".to_owned(), address: String::new() };
        report.systems.clear();
        exchange::edxml::signed(&report, &us(), config, &signer(folder)).unwrap()
    };
    let told = document(&AvReportConfig::default());
    assert!(!told.to_lowercase().contains("may-07") && !told.contains("10.30.1.7"), "{told}");
    let names: Vec<&str> = told.split("<Machine ip=\"\" name=\"").skip(1).map(|rest| &rest[..16]).collect();
    assert_eq!(names.len(), 2, "{told}");
    assert_eq!(names[0], names[1], "one machine, one word, however its name is written");
    let config = AvReportConfig {
        machine_names: Redaction::Drop,
        machine_addresses: Redaction::Pseudonym,
        ..AvReportConfig::default()
    };
    let told = document(&config);
    assert!(told.contains("name=\"\"") && !told.contains("ip=\"10.30.1.7\""), "{told}");
}

#[test]
fn a_key_that_cannot_sign_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    key(folder, "a", 2048);
    key(folder, "b", 2048);
    key(folder, "small", 1024);
    let new = |key: &str, pem: &str| Signer::new(&read(folder, key), &read(folder, pem)).err().unwrap();
    assert_eq!(new("a.pem", "a.pem"), SignError::NoKey);
    assert_eq!(new("a.key", "a.key"), SignError::NoCertificate);
    assert_eq!(new("a.key", "b.pem"), SignError::OtherKey);
    assert!(matches!(new("small.key", "small.pem"), SignError::Key(_)));
    // The older form of the same key.
    let old = Command::new("openssl")
        .args(["rsa", "-traditional", "-in"])
        .arg(folder.join("a.key"))
        .output()
        .unwrap();
    Signer::new(&old.stdout, &read(folder, "a.pem")).unwrap();
}
