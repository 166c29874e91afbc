//! The province that never was, by its 111 sites: its own and 20 departments', 8 of former districts, 82 of communes; their 91
//! information systems and 2,886 computers. The same for every seed, so that one registry (`registered.rs`) fits every run.

mod registered;

use std::net::Ipv4Addr;

const DEPARTMENTS: [(&str, &str); 21] = [
    ("syt", "Sở Y tế"),
    ("sgddt", "Sở Giáo dục và Đào tạo"),
    ("stc", "Sở Tài chính"),
    ("skhdt", "Sở Kế hoạch và Đầu tư"),
    ("sxd", "Sở Xây dựng"),
    ("sgtvt", "Sở Giao thông vận tải"),
    ("sct", "Sở Công Thương"),
    ("snn", "Sở Nông nghiệp và Phát triển nông thôn"),
    ("stnmt", "Sở Tài nguyên và Môi trường"),
    ("stttt", "Sở Thông tin và Truyền thông"),
    ("svhtt", "Sở Văn hóa và Thể thao"),
    ("sdl", "Sở Du lịch"),
    ("sldtbxh", "Sở Lao động - Thương binh và Xã hội"),
    ("skhcn", "Sở Khoa học và Công nghệ"),
    ("snv", "Sở Nội vụ"),
    ("stp", "Sở Tư pháp"),
    ("sngv", "Sở Ngoại vụ"),
    ("ttt", "Thanh tra tỉnh"),
    ("ubnd", "Ủy ban nhân dân tỉnh Mô Phỏng"),
    ("bqlkcn", "Ban Quản lý các khu công nghiệp"),
    ("bdt", "Ban Dân tộc"),
];
const FIRST: [&str; 10] = ["An", "Bình", "Tân", "Long", "Phước", "Hòa", "Xuân", "Thạnh", "Vĩnh", "Phú"];
const SECOND: [&str; 9] = ["Hải", "Lộc", "Mỹ", "Điền", "Thành", "Khánh", "Sơn", "Thuận", "Trung"];
const SYSTEMS: [&str; 7] = [
    "Trang thông tin điện tử",
    "Quản lý văn bản và điều hành",
    "Một cửa điện tử",
    "Thư điện tử công vụ",
    "Cơ sở dữ liệu chuyên ngành",
    "Báo cáo số",
    "Quản lý cán bộ",
];
const GIVEN: [&str; 12] =
    ["an", "binh", "chau", "dung", "giang", "ha", "khanh", "lan", "minh", "nga", "phuc", "tuan"];
/// Endpoints of a department, a district, a commune; the first 44 communes have one more.
const ENDPOINTS: [usize; 3] = [50, 60, 16];
/// Of the sites of communes, those of the towns.
const WARDS: usize = 16;
const COMMUNES_WITH_ONE_MORE: usize = 44;

/// What a device is, and so what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    FortiGate,
    PaloAlto,
    CiscoAsa,
    PfSense,
    Linux,
    Portal,
    Windows,
    Kaspersky,
    Eset,
    ClamAv,
}

/// Something that sends log lines.
pub(super) struct Device {
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) serial: String,
    pub(super) kind: Kind,
    pub(super) address: Ipv4Addr,
}

/// A computer with antivirus and its user.
pub(super) struct Endpoint {
    pub(super) name: String,
    pub(super) user: String,
    pub(super) address: Ipv4Addr,
}

/// A site: that of a department, a former district, a commune or its office. Devices are indices into [`Province::devices`].
pub(super) struct Unit {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) firewall: usize,
    pub(super) server: usize,
    pub(super) windows: usize,
    pub(super) antivirus: usize,
    pub(super) share: usize,
    /// Every unit that has an information system has a portal.
    pub(super) portal: Option<usize>,
    pub(super) endpoints: Vec<Endpoint>,
}

/// An information system with its level.
pub(super) struct System {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) level: u8,
    pub(super) unit: usize,
}

/// Everything there is.
pub(super) struct Province {
    pub(super) units: Vec<Unit>,
    pub(super) systems: Vec<System>,
    pub(super) devices: Vec<Device>,
}

impl Province {
    pub(super) fn new() -> Self {
        let mut province = Self { units: Vec::new(), systems: Vec::new(), devices: Vec::new() };
        for (code, name) in DEPARTMENTS {
            province.unit(code, name.to_owned(), ENDPOINTS[0], 3);
        }
        for (number, first) in FIRST.iter().take(8).enumerate() {
            province.unit(&format!("h{:02}", number + 1), format!("Huyện {first} Châu"), ENDPOINTS[1], 2);
        }
        let names =
            SECOND.iter().flat_map(|second| FIRST.iter().map(move |first| format!("{first} {second}")));
        for (number, name) in names.take(82).enumerate() {
            // Two former communes are one, in towns a ward; at the seat of the second there is still an office.
            let name = match number {
                odd if odd % 2 == 1 => format!("Điểm phục vụ hành chính công {name}"),
                0..WARDS => format!("Phường {name}"),
                _ => format!("Xã {name}"),
            };
            let endpoints = ENDPOINTS[2] + usize::from(number < COMMUNES_WITH_ONE_MORE);
            province.unit(&format!("x{:02}", number + 1), name, endpoints, usize::from(number < 12));
        }
        province
    }

    fn unit(&mut self, code: &str, name: String, endpoints: usize, systems: usize) {
        let number = self.units.len();
        // 111 units fit into 10.10.0.0 to 10.120.0.0.
        let second = 10 + u8::try_from(number).unwrap_or(u8::MAX - 10);
        let upper = code.to_ascii_uppercase();
        let firewall = match number % 10 {
            0..=6 => Kind::FortiGate,
            7 => Kind::PaloAlto,
            8 => Kind::CiscoAsa,
            _ => Kind::PfSense,
        };
        let antivirus = if number.is_multiple_of(2) { Kind::Kaspersky } else { Kind::Eset };
        let mut device = |kind, name: String, last| {
            let index = self.devices.len();
            let serial = match kind {
                Kind::FortiGate => format!("FG100FTK26{index:06}"),
                _ => format!("0137010{index:05}"),
            };
            self.devices.push(Device {
                index,
                name,
                serial,
                kind,
                address: Ipv4Addr::new(10, second, 1, last),
            });
            index
        };
        let unit = Unit {
            firewall: device(firewall, format!("FW-{upper}-01"), 1),
            server: device(Kind::Linux, format!("srv-{code}-01"), 10),
            windows: device(Kind::Windows, format!("DC-{upper}"), 11),
            antivirus: device(antivirus, format!("AV-{upper}"), 12),
            share: device(Kind::ClamAv, format!("nas-{code}-01"), 13),
            portal: (systems > 0).then(|| device(Kind::Portal, format!("web-{code}-01"), 20)),
            endpoints: (1..=endpoints)
                .map(|at| Endpoint {
                    name: format!("PC-{upper}-{at:03}"),
                    user: format!("{}.{code}{at:03}", GIVEN[(at * 7 + number) % GIVEN.len()]),
                    // At most 60 to a unit.
                    address: Ipv4Addr::new(10, second, 2, 10 + u8::try_from(at).unwrap_or(0)),
                })
                .collect(),
            id: code.to_owned(),
            name,
        };
        for at in 0..systems {
            let index = self.systems.len();
            let system = SYSTEMS[(at + number) % SYSTEMS.len()];
            let id = format!("{code}-ht{}", at + 1);
            self.systems.push(System {
                id,
                name: format!("{system} - {}", unit.name),
                level: level(index),
                unit: number,
            });
        }
        self.units.push(unit);
    }
}

/// 20, 38, 29, 3 and 1 systems of level 1 to 5; the few high ones are the departments'.
fn level(index: usize) -> u8 {
    match index {
        0 => 5,
        1..=3 => 4,
        4..=32 => 3,
        33..=70 => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_province_has_111_units_91_systems_of_every_level_and_2886_endpoints() {
        let province = Province::new();
        assert_eq!(province.units.len(), 111);
        assert_eq!(province.systems.len(), 91);
        assert_eq!(province.units.iter().map(|unit| unit.endpoints.len()).sum::<usize>(), 2_886);
        let of = |level| province.systems.iter().filter(|system| system.level == level).count();
        assert_eq!([of(1), of(2), of(3), of(4), of(5)], [20, 38, 29, 3, 1]);
    }

    #[test]
    fn no_two_machines_units_or_users_share_a_name() {
        let province = Province::new();
        let mut names: Vec<&str> = province.devices.iter().map(|device| &*device.name).collect();
        names.extend(province.units.iter().map(|unit| &*unit.name));
        names.extend(
            province.units.iter().flat_map(|unit| &unit.endpoints).flat_map(|at| [&*at.name, &*at.user]),
        );
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
