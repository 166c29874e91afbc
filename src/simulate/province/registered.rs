//! The simulated province as the registry has it: what the simulator sends is from these machines and no others.

use super::Province;
use registry::{Asset, Date, Dossier, Endpoint, LevelSince, Plan, Registry, System, Unit};

/// When most of this province's levels were determined, when those of before were, and when some were raised.
const DETERMINED: Date = Date::constant(2024, 3, 15);
const FIRST_DETERMINED: Date = Date::constant(2022, 5, 20);
const RAISED: Date = Date::constant(2025, 10, 15);
/// The last day of districts, and the first of the communes and wards of today.
const DISTRICTS_UNTIL: Date = Date::constant(2025, 6, 30);
const COMMUNES_SINCE: Date = Date::constant(2025, 7, 1);

/// The place of the province itself among the sites; then of districts and communes.
const PROVINCE: usize = 18;
const DISTRICTS: std::ops::Range<usize> = 21..29;
const COMMUNES: usize = 29;

/// The site whose unit has the machines and systems of this one: a commune those of the district that ended.
fn keeper(number: usize) -> usize {
    if DISTRICTS.contains(&number) { COMMUNES + 2 * (number - DISTRICTS.start) } else { number }
}

/// The district whose place this commune took.
fn predecessor(number: usize) -> Option<usize> {
    DISTRICTS.into_iter().find(|district| keeper(*district) == number)
}

impl Province {
    /// Units, systems, per site its network, its portal and its servers, and every computer.
    pub(in crate::simulate) fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        for number in 0..self.units.len() {
            registry.units.push(self.registered_unit(number));
            self.machines(number, &mut registry);
        }
        registry.systems = (0..self.systems.len()).map(|number| self.registered_system(number)).collect();
        registry
    }

    /// The unit above: the province, or the commune of an office.
    fn parent(&self, number: usize) -> String {
        match number {
            PROVINCE => String::new(),
            COMMUNES.. if (number - COMMUNES) % 2 == 1 => self.units[number - 1].id.clone(),
            _ => self.units[PROVINCE].id.clone(),
        }
    }

    fn registered_unit(&self, number: usize) -> Unit {
        let unit = &self.units[number];
        let (kind, place) = match number {
            PROVINCE => ("province", 1),
            0..21 => ("department", number + 1),
            21..29 => ("district", number - 20),
            _ if (number - COMMUNES) % 2 == 1 => ("office", number - 28),
            _ if unit.name.starts_with("Phường") => ("ward", number - 28),
            _ => ("commune", number - 28),
        };
        let domain = |number: usize| format!("{}.tinh.example", self.units[number].id);
        let before = predecessor(number);
        let (is_district, is_commune) = (DISTRICTS.contains(&number), number >= COMMUNES);
        Unit {
            id: unit.id.clone(),
            name: unit.name.clone(),
            kind: kind.to_owned(),
            parent: self.parent(number),
            // An office's code is below its commune's; a commune has that of the district whose place it took.
            official_code: match kind {
                "province" => "000.00.00.H99".to_owned(),
                "office" => format!("000.01.{:02}.H99", code_number(number - 1)),
                _ => format!("000.00.{:02}.H99", code_number(number)),
            },
            domains: [number].into_iter().chain(before).map(domain).collect(),
            since: is_commune.then_some(COMMUNES_SINCE),
            until: is_district.then_some(DISTRICTS_UNTIL),
            successor: if is_district { self.units[keeper(number)].id.clone() } else { String::new() },
            address: format!("Số {place}, đường Hải Đăng, tỉnh Mô Phỏng"),
            // Numbers that no subscriber has.
            telephone: format!("+84 254 000 {number:04}"),
            email: format!("vanthu@{}.tinh.example", unit.id),
            contact_name: format!("Cán bộ phụ trách {}", unit.id.to_ascii_uppercase()),
            contact_position: "Chuyên viên".to_owned(),
            contact_telephone: format!("+84 254 001 {number:04}"),
            contact_email: format!("antoan@{}.tinh.example", unit.id),
        }
    }

    fn registered_system(&self, number: usize) -> System {
        let system = &self.systems[number];
        let unit = &self.units[keeper(system.unit)];
        // A third of the systems has come all the way, as in a province that is at it.
        let (dossier, plan) = match number % 6 {
            0 | 1 => (Dossier::Approved, Plan::Partly),
            2 => (Dossier::Approved, Plan::Fully),
            3 => (Dossier::Submitted, Plan::None),
            4 => (Dossier::Drafted, Plan::None),
            _ => (Dossier::None, Plan::None),
        };
        let approved = dossier == Dossier::Approved;
        let raised = approved && number % 4 == 1 && system.level > 1;
        let (since, decision) = match (approved, raised) {
            (false, _) => (None, String::new()),
            (true, false) => (Some(DETERMINED), format!("{}/QĐ-MP", 100 + number)),
            (true, true) => {
                (Some(RAISED), format!("{}/QĐ-MP (20/5/2022); {}/QĐ-MP", 20 + number, 300 + number))
            }
        };
        let earlier = LevelSince { level: system.level.saturating_sub(1), since: Some(FIRST_DETERMINED) };
        // What counts for the whole province the province governs; what an office runs, its commune.
        let owner = if system.level >= 3 {
            self.units[PROVINCE].id.clone()
        } else {
            self.parent(keeper(system.unit))
        };
        System {
            id: system.id.clone(),
            name: system.name.clone(),
            unit: unit.id.clone(),
            owner: if owner == unit.id { String::new() } else { owner },
            level: system.level,
            level_since: since,
            earlier_levels: if raised { vec![earlier] } else { Vec::new() },
            dossier,
            decision,
            decided: since,
            plan,
            // 203.0.113.0/24 is for documentation; 91 systems fit.
            addresses: vec![format!("203.0.113.{}", number + 10)],
            domains: vec![format!("{}.{}.tinh.example", system.id, self.units[system.unit].id)],
            registered: number % 4 != 3,
            provider: "Công ty Giám sát Mô Phỏng".to_owned(),
            isp: "Nhà mạng Mô Phỏng".to_owned(),
        }
    }

    fn machines(&self, number: usize, registry: &mut Registry) {
        let (unit, has) = (&self.units[number], &self.units[keeper(number)].id);
        registry.assets.push(Asset {
            id: format!("{}-mang", unit.id),
            unit: has.clone(),
            // 2,886 computers and 111 networks do not fit into the documentation ranges of IPv4.
            addresses: vec![format!("10.{}.0.0/16", 10 + number), format!("2001:db8:{number:x}::/48")],
            logs: false,
            ..Asset::default()
        });
        let own = [unit.firewall, unit.server, unit.windows, unit.antivirus, unit.share];
        for at in own.into_iter().chain(unit.portal) {
            let device = &self.devices[at];
            let system = if Some(at) == unit.portal { format!("{}-ht1", unit.id) } else { String::new() };
            registry.assets.push(Asset {
                id: device.name.clone(),
                unit: if system.is_empty() { has.clone() } else { String::new() },
                system,
                addresses: vec![device.address.to_string()],
                hosts: vec![device.name.clone()],
                logs: true,
            });
        }
        let product = if number.is_multiple_of(2) { "Kaspersky" } else { "ESET" };
        registry.endpoints.extend(unit.endpoints.iter().map(|endpoint| Endpoint {
            id: endpoint.name.clone(),
            unit: has.clone(),
            addresses: vec![endpoint.address.to_string()],
            os: "Windows 11".to_owned(),
            antivirus: product.to_owned(),
            ..Endpoint::default()
        }));
    }
}

/// The number in the code of a unit of the province: a commune's is that of the district whose place it took.
fn code_number(number: usize) -> usize {
    predecessor(number).unwrap_or(number) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry::{Document, Format, Import, Kind};

    #[test]
    fn units_are_a_tree_with_a_history_and_what_they_have_is_of_units_that_still_are() {
        let registry = Province::new().registry();
        let of = |kind: &str| registry.units.iter().filter(|unit| unit.kind == kind).count();
        let kinds = ["province", "department", "district", "ward", "commune", "office"];
        assert_eq!(kinds.map(of), [1, 20, 8, 8, 33, 41]);
        let by_id = |id: &str| registry.units.iter().find(|unit| unit.id == id).unwrap();
        for unit in &registry.units {
            assert_eq!(unit.parent.is_empty(), unit.kind == "province", "{}", unit.id);
            if unit.kind == "office" {
                assert!(["ward", "commune"].contains(&by_id(&unit.parent).kind.as_str()), "{}", unit.id);
            }
            if let Some(until) = unit.until {
                let next = by_id(&unit.successor);
                assert_eq!(next.since, Some(until.tomorrow().unwrap()), "{}", unit.id);
                assert_eq!(next.official_code, unit.official_code, "{}", unit.id);
                assert!(next.domains.contains(&unit.domains[0]), "{}", unit.id);
            }
        }
        let still = |id: &str| by_id(id).until.is_none();
        assert!(registry.systems.iter().all(|system| still(&system.unit) && system.owner != system.unit));
        assert!(registry.assets.iter().all(|asset| asset.unit.is_empty() || still(&asset.unit)));
        assert!(registry.endpoints.iter().all(|endpoint| still(&endpoint.unit)));
        let raised: Vec<&System> =
            registry.systems.iter().filter(|system| !system.earlier_levels.is_empty()).collect();
        assert!(raised.len() >= 5, "{}", raised.len());
        for system in raised {
            let levels = |on: &str| system.level_on(on.parse().unwrap());
            let days = [levels("2022-05-19"), levels("2025-10-14"), levels("2025-10-15")];
            assert_eq!(days, [0, system.level - 1, system.level], "{}", system.id);
            assert_eq!(system.decision.matches("QĐ-MP").count(), 2, "{}", system.id);
        }
        let owners: std::collections::HashSet<&str> =
            registry.systems.iter().map(|system| system.owner.as_str()).collect();
        assert!(owners.len() > 3, "{owners:?}");
    }

    #[test]
    fn the_sample_is_a_right_registry_that_reads_back() {
        let registry = Province::new().registry();
        assert_eq!(registry.check(), []);
        assert_eq!(Kind::ALL.map(|kind| registry.count(kind)), [111, 91, 111 * 6 + 41, 2_886]);
        let document = Document::read(Format::Yaml, registry.write(Format::Yaml).as_bytes()).unwrap();
        let taken = Import::default().apply(&registry, document).unwrap();
        assert_eq!((taken.same, taken.added.len()), (111 + 91 + 111 * 6 + 41 + 2_886, 0));
    }
}
