// Invented incidents, events, sources and rules: documentation addresses, no real host or person.
const RULES = [
  ['Brute force followed by a successful sign-in', 'Dò mật khẩu rồi đăng nhập thành công', 'critical', 'access', ['attack.t1110', 'attack.credential-access']],
  ['Web shell command from a web server process', 'Tiến trình máy chủ web chạy lệnh hệ thống (web shell)', 'high', 'foothold', ['attack.t1505.003', 'attack.persistence']],
  ['Many ports probed from one address', 'Một địa chỉ dò quét nhiều cổng', 'medium', 'reconnaissance', ['attack.t1046', 'attack.discovery']],
  ['Malware found and not removed by the antivirus', 'Phần mềm phòng chống mã độc phát hiện nhưng không xử lý được', 'high', 'foothold', ['attack.execution']],
  ['Large upload to a rare destination', 'Gửi lượng lớn dữ liệu ra địa chỉ hiếm gặp', 'critical', 'impact', ['attack.t1048', 'attack.exfiltration']],
  ['Administrator account used outside office hours', 'Tài khoản quản trị đăng nhập ngoài giờ hành chính', 'low', 'access', ['attack.t1078']],
  ['Configuration of the firewall changed', 'Thay đổi cấu hình tường lửa', 'informational', 'foothold', ['attack.t1562.004']],
];
const UNITS = ['so-tai-nguyen', 'so-y-te', 'xa-phuoc-hai', 'so-giao-duc', 'phuong-long-huong'];
const SYSTEMS = ['cong-dich-vu-cong', 'thu-dien-tu', 'quan-ly-van-ban', '', 'mang-truyen-so-lieu'];
const STATUSES = ['new', 'new', 'acknowledged', 'contained', 'new', 'acknowledged', 'closed'];
const HOSTILE = 'bao\u202Egpj.exe <img src=x onerror=alert(1)> ' + 'A'.repeat(180);

export function data(now) {
  const ago = (minutes) => new Date(now - minutes * 60_000).toISOString();
  const users = [
    { id: '1', username: 'can.bo', display_name: 'Nguyễn Thị Hạnh', role: 'admin', language: 'vi', disabled: false },
    { id: '2', username: 'truc.ban', display_name: 'Trần Văn Bình', role: 'responder', language: 'vi', disabled: false },
    { id: '3', username: 'kiem.toan', display_name: 'Lê Minh Châu', role: 'auditor', language: 'vi', disabled: false },
    { id: '4', username: 'nguoi.moi', display_name: 'Phạm Mới', role: 'responder', language: 'vi', disabled: false, must: true },
  ];
  return {
    users,
    incidents: Array.from({ length: 64 }, (_, n) => incident(n, ago)),
    events: Array.from({ length: 260 }, (_, n) => event(n, ago)),
    sources: Array.from({ length: 14 }, (_, n) => source(n, ago)),
    rules: RULES.map(([title, title_vi, level, , tags], n) => ({
      id: `5b3c1f00-0000-4000-8000-00000000000${n}`, title, title_vi, level, layer: `layer-${(n % 4) + 1}`,
      status: n % 3 ? 'stable' : 'test', kind: n % 3 ? 'detection' : 'correlation', tags, matches_24h: n * 37,
    })),
    overview: overview(now, ago),
  };
}

function incident(n, ago) {
  const [title, title_vi, severity, stage] = RULES[n % RULES.length];
  const address = `203.0.113.${10 + n}`;
  const status = STATUSES[n % STATUSES.length];
  const [unit, system] = [UNITS[n % UNITS.length], SYSTEMS[n % SYSTEMS.length]];
  const entities = [{ kind: 'address', name: address }, { kind: 'host', name: `may-chu-web-0${(n % 8) + 1}` }, { kind: 'user', name: n === 1 ? HOSTILE : 'quan.tri' }, { kind: 'unit', name: unit }];
  const system_level = system ? (n % 3) + 2 : 0;
  return {
    id: `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`, number: 1240 - n, title: n === 1 ? `${title}: ${HOSTILE}` : title,
    title_vi: n === 1 ? `${title_vi}: ${HOSTILE}` : title_vi, severity, stage, status, verdict: status === 'closed' ? 'false_positive' : null,
    assignee: status === 'new' ? null : 'truc.ban', unit, system, system_level, first: ago(n * 47 + 30), last: ago(n * 47 + 2),
    created: ago(n * 47 + 28), updated: ago(n * 47 + 2), events_count: 412 - n, entities, version: 3,
    alerts: [2, 0, 1].map((pick, i) => alert(pick, n, i, entities, { unit, system, system_level }, ago)),
    comments: n % 2 ? [] : [{ id: '1', author: 'truc.ban', text: 'Đã gọi cán bộ phụ trách của đơn vị; máy chủ đang được tách khỏi mạng.\nChờ ảnh đĩa để giám định.', created: ago(12) }],
    history: [{ time: ago(26), actor: 'truc.ban', change: 'status', from: 'new', to: 'acknowledged' }, { time: ago(26), actor: 'truc.ban', change: 'assignee', from: null, to: 'truc.ban' }],
  };
}

function alert(pick, n, i, entities, where, ago) {
  const [title, title_vi, level, , tags] = RULES[pick];
  const correlated = i === 1;
  return {
    id: `018f0000-0000-7000-9000-${n}${i}`, rule: `5b3c1f00-0000-4000-8000-00000000000${pick}`, title, title_vi, level,
    first: ago(n * 47 + 30 - i * 9), last: ago(n * 47 + 24 - i * 9), count: 37 - i * 12, group: correlated ? [['source.ip', `203.0.113.${10 + n}`], ['user.name', 'quan.tri']] : [],
    entities, ...where, tags, events: [],
    because: correlated ? [] : [{ field: 'EventID', value: '4625', pattern: '4625' }, { field: 'TargetUserName', value: 'quan.tri', pattern: 'quan*' }, { field: '', value: 'cmd.exe /c whoami', pattern: '*whoami*' }],
  };
}

function event(n, ago) {
  const kinds = ['authentication', 'network', 'web', 'malware'];
  const category = kinds[n % 4];
  return {
    '@timestamp': ago(n * 0.37), ecs: { version: '8.17.0' },
    event: { id: `018f${String(n).padStart(4, '0')}-0000-7000-8000-000000000000`, category: [category], action: ['logon-failed', 'deny', 'GET', 'quarantine'][n % 4], outcome: n % 3 ? 'failure' : 'success', module: ['windows', 'fortigate', 'nginx', 'kaspersky'][n % 4],
      original: n === 3 ? `nginx: GET /?q=${HOSTILE} HTTP/1.1` : `<13>Nov 23 20:${10 + (n % 40)}:07 may-chu-0${n % 8} app[${n}]: ${category} user=quan.tri src=203.0.113.${n % 90} port=${1024 + n}` },
    source: { ip: `203.0.113.${n % 90}`, port: 1024 + n, geo: { country_iso_code: ['VN', 'US', 'NL', 'SG'][n % 4] } },
    destination: { ip: `10.10.${n % 20}.8`, port: [22, 443, 3389, 445][n % 4] },
    host: { name: `may-chu-0${n % 8}` }, user: { name: n === 3 ? HOSTILE : ['quan.tri', 'van.thu', 'ke.toan'][n % 3] },
    haidang: { unit: { id: UNITS[n % 5] }, system: { id: SYSTEMS[n % 5], level: 3 } }, fortinet: { firewall: { 'policy.id': 12 } },
  };
}

function source(n, ago) {
  const received = 918_232 - n * 61_003;
  const [rejected, spooled] = [n % 5 ? 0 : 17, n % 3 ? 0 : 42];
  const silent = n % 6 === 5;
  return { source: `198.51.100.${20 + n}`, transport: ['udp', 'tcp', 'tls', 'http'][n % 4], last_seen: ago(silent ? 190 + n : n * 0.1), received, rejected, spooled, stored: received - rejected - spooled - (n === 9 ? 3 : 0), silent };
}

function overview(now, ago) {
  const minute = Math.floor(now / 60_000) * 60_000;
  const wave = (n) => Math.round(42_000 + 14_000 * Math.sin(n / 9) + 5_000 * Math.sin(n / 2.3) + (n === 21 ? 38_000 : 0));
  return {
    events_total: 2_486_113, incidents_open: 52, reports_owed: 3, reports_overdue: 1, sources_total: 111,
    events_per_minute: Array.from({ length: 60 }, (_, n) => ({ time: new Date(minute - (59 - n) * 60_000).toISOString(), count: wave(n) })),
    incidents_by_severity: { critical: 4, high: 11, medium: 19, low: 13, informational: 5 },
    top_sources: Array.from({ length: 8 }, (_, n) => ({ address: `203.0.113.${10 + n * 7}`, count: 91_233 - n * 11_021, country: ['VN', 'US', null, 'NL'][n % 4] })),
    silent_sources: [5, 11].map((n) => ({ source: `198.51.100.${20 + n}`, last_seen: ago(190 + n), silent_s: (190 + n) * 60 })),
    by_category: [['network', 1_204_113], ['web', 611_020], ['authentication', 402_118], ['process', 188_400], ['malware', 3_204]].map(([category, count]) => ({ category, count })),
  };
}
