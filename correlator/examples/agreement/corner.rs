//! Odd corners of the language: small rules, each about one thing, and objects with odd values; every rule is asked about
//! every object.

use serde_json::json;

/// Detections. The field is `f`; `g` is another.
const DETECTIONS: &[&str] = &[
    "s: {f: abc}",
    "s: {f: 'a*c'}",
    "s: {f: 'a?c'}",
    r"s: {f: 'a\*c'}",
    r"s: {f: 'a\\*c'}",
    r"s: {f: 'a\\\*c'}",
    r"s: {f: 'a\c'}",
    r"s: {f: 'a\\c'}",
    r"s: {f: 'a\\\\c'}",
    r"s: {f: 'a\'}",
    r"s: {f|contains: '\'}",
    r"s: {f|endswith: '\c'}",
    "s: {f: '*'}",
    "s: {f: '?*'}",
    "s: {f: ''}",
    "s: {f: null}",
    "s: {f: [null, '']}",
    "s: {f: [null, abc]}",
    "s: {f: 1}",
    "s: {f: '1'}",
    "s: {f: -1}",
    "s: {f: 1.5}",
    "s: {f: 0x10}",
    "s: {f: 1e3}",
    "s: {f: 01}",
    "s: {f: true}",
    "s: {f: 'true'}",
    "s: {f: [1, abc, true]}",
    "s: {f: 2026-01-01}",
    "s: {f|contains: b}",
    "s: {f|contains: ''}",
    "s: {f|contains: 'a*c'}",
    "s: {f|contains: 1}",
    "s: {f|contains: true}",
    "s: {f|contains: [b, 5]}",
    "s: {f|contains|all: [a, c]}",
    "s: {f|startswith: a}",
    "s: {f|startswith: 'a*c'}",
    "s: {f|endswith: c}",
    "s: {f|endswith: 'a*c'}",
    "s: {f|endswith|all: [c, bc]}",
    "s: {f|cased: abc}",
    "s: {f|contains|cased: B}",
    "s: {f|neq: abc}",
    "s: {f|neq: [abc, 1]}",
    "s: {f|neq: null}",
    "s: {f|neq: 1}",
    "s: {f|contains|neq: b}",
    "s: {f|exists: true}",
    "s: {f|exists: false}",
    "s: {f|re: '^a.c$'}",
    "s: {f|re: '^a.c$', g|exists: false}",
    "s: {f|re: b}",
    r"s: {f|re: '^-?\d+$'}",
    "s: {f|re|i: ^A}",
    "s: {f|re|m: ^c$}",
    "s: {f|re|s: a.c}",
    "s: {f|re: '^(true|null|)$'}",
    "s: {f|cidr: 192.0.2.0/24}",
    "s: {f|cidr: ['2001:db8::/32', 198.51.100.7/32]}",
    "s: {f|gt: 1}",
    "s: {f|gte: 1}",
    "s: {f|lt: 1.5}",
    "s: {f|lte: '16'}",
    "s: {f|fieldref: g}",
    "s: {f|fieldref|neq: g}",
    "s: {f|fieldref|startswith: g}",
    "s: {f|fieldref|endswith: g}",
    "s: {f|fieldref|contains: g}",
    "s: {f|windash|contains: ' -a'}",
    "s: {f|windash: '/a-b'}",
    "s: {f|windash|contains|all: [-a, -b]}",
    "s: {f|base64: abc}",
    "s: {f|base64|contains: abc}",
    "s: {f|base64offset|contains: abcd}",
    "s: {f|base64offset|contains: ab}",
    "s: {f|wide|base64offset|contains: abc}",
    "s: {f|utf16be|base64: abc}",
    "s: {f|utf16|base64: abc}",
    "s: {f|utf16le: abc}",
    "s: {f|minute: 30}",
    "s: {f|hour: [22, 23]}",
    "s: {f|day: 1}",
    "s: {f|month: 3}",
    "s: {f|year: 2026}",
    "s: {f: ΣΊΣ}",
    "s: {f|contains: ẢNH}",
    "s: {f: STRASSE}",
    "s: {f.h: 1}",
    "s: {f.h|exists: true}",
    "s: {f.h: null}",
    "s: {f.h|contains: b}",
    "s: [abc, 'x*z']",
    "s: abc",
    "s: [1]",
    "s: {'|all': [abc, xyz]}",
    "s: {'|contains|all': [abc, xyz]}",
    "s: {'|re': '^a.c$'}",
    "s: [{f: abc}, {g: 1}]",
    "s: [{f: abc, g: 1}, word]",
];

/// Conditions over three searches that look at letters of `f`.
const CONDITIONS: &[&str] = &[
    "a",
    "not a",
    "a and b",
    "a or b and c_1",
    "(a or b) and c_1",
    "not a and b",
    "not (a and b)",
    "not not a",
    "a and not b or c_1",
    "1 of c_*",
    "all of c_*",
    "not 1 of c_*",
    "not all of c_*",
    "1 of them",
    "all of them",
    "2 of them",
    "2 of c_*",
    "any of c*",
    "1 of *_1",
    "all of them and not _x",
    "[a, b]",
    "[a and b, c_2]",
];

/// Values of `f`; each is also tried with each of [`BESIDE`].
const VALUES: &[&str] = &[
    r#""abc""#,
    r#""ABC""#,
    r#""ac""#,
    r#""a*c""#,
    r#""a\\c""#,
    r#""a\\\\c""#,
    r#""a\\xc""#,
    r#""a\\*c""#,
    r#""a\\""#,
    r#""a\nc""#,
    r#""xabcx""#,
    r#""x abc xyz""#,
    r#""xabc""#,
    r#""abcx""#,
    r#""axxc x""#,
    r#""x axxc""#,
    r#""b\nc\nb""#,
    r#""""#,
    r#"" ""#,
    "null",
    "[]",
    "{}",
    "[null]",
    r#"[null, "abc"]"#,
    r#"["x", "abc"]"#,
    r#"["a", "c"]"#,
    r#"[1, "b"]"#,
    r#"[["abc"]]"#,
    "1",
    "1.0",
    "-1",
    "1.5",
    "16",
    "1000",
    "0",
    "10",
    "9223372036854775807",
    r#""1""#,
    r#""01""#,
    r#""1.0""#,
    r#"" 1""#,
    r#""+1""#,
    r#""0x10""#,
    r#""1e3""#,
    r#""-1""#,
    r#""16""#,
    "true",
    "false",
    r#""true""#,
    r#""TRUE""#,
    r#""yes""#,
    r#""null""#,
    r#""2026-01-01""#,
    r#""2026-03-01T23:30:00Z""#,
    r#""2026-03-01T23:30:00+07:00""#,
    r#""192.0.2.7""#,
    r#""192.0.3.7""#,
    r#""198.51.100.7""#,
    r#""::ffff:192.0.2.7""#,
    r#""2001:db8::7""#,
    r#""192.0.2.7/24""#,
    r#""x -a""#,
    r#""x /a""#,
    r#""x –A""#,
    r#""-a-b""#,
    r#""/a/b""#,
    r#""―b/a""#,
    r#""YWJj""#,
    r#""xYWJjx""#,
    r#""eGFiY2R4""#,
    r#""eHhhYmNkeHg=""#,
    r#""YWJjZA==""#,
    r#""YQBiAGMA""#,
    r#""AGEAYgBj""#,
    r#""//5hAGIAYwA=""#,
    r#""a\u0000b\u0000c\u0000""#,
    r#""σίς""#,
    r#""Hình ảnh""#,
    r#""straße""#,
    r#"{"h":1}"#,
    r#"{"h":null}"#,
    r#"{"h":["b","c"]}"#,
    r#"[{"h":2},{"h":1}]"#,
    r#"{"abc":"x"}"#,
    r#"{"x":{"y":["abc"]}}"#,
    r#"{"x":"abc","y":"xyz"}"#,
];

/// What stands beside `f`.
const BESIDE: &[&str] = &["", r#","g":"abc""#, r#","g":1"#, r#","g":null"#, r#","g":"bc","x":"word""#];

/// The rules as one file.
pub fn rules() -> String {
    let head =
        |id: String| format!("---\ntitle: {id}\nid: {id}\nlogsource: {{product: corner}}\ndetection:\n");
    let mut found = String::new();
    for (nth, detection) in DETECTIONS.iter().enumerate() {
        found += &format!("{}  {detection}\n  condition: s\n", head(format!("corner-{nth}")));
        let not = head(format!("corner-not-{nth}"));
        found += &format!("{not}  {detection}\n  every: {{product: corner}}\n  condition: every and not s\n");
    }
    for (nth, condition) in CONDITIONS.iter().enumerate() {
        found += &head(format!("condition-{nth}"));
        found +=
            "  a: {f|contains: a}\n  b: {f|contains: b}\n  c_1: {f|contains: c}\n  c_2: {f|contains: x}\n";
        found += &format!("  _x: {{f|contains: z}}\n  condition: {condition}\n");
    }
    found
}

/// The objects, a line each.
pub fn events() -> String {
    let values = VALUES.iter().map(|value| format!(r#""f":{value}"#));
    let fields =
        values.chain([r#""other":"abc""#.to_owned(), r#""f.h":1"#.to_owned(), r#""F":"abc""#.to_owned()]);
    let mut found = String::new();
    for field in fields {
        for beside in BESIDE {
            found += &format!("{{\"product\":{},{field}{beside}}}\n", json!("corner"));
        }
    }
    found
}
