//! The simulated province as the registry has it: what the simulator sends is from these machines and no others.

use super::Province;
use registry::{Asset, Date, Dossier, Endpoint, Plan, Registry, System, Unit};

/// When this province's levels were determined.
const DETERMINED: Date = Date::constant(2024, 3, 15);

impl Province {
    /// Units, systems, per unit its network, its portal and its servers, and every computer.
    pub(in crate::simulate) fn registry(&self) -> Registry {
        let mut registry = Registry::default();
        for number in 0..self.units.len() {
            registry.units.push(self.registered_unit(number));
            self.machines(number, &mut registry);
        }
        registry.systems = (0..self.systems.len()).map(|number| self.registered_system(number)).collect();
        registry
    }

    fn registered_unit(&self, number: usize) -> Unit {
        let unit = &self.units[number];
        let (kind, place) = match number {
            0..21 => ("department", number + 1),
            21..29 => ("district", number - 20),
            _ => ("commune", number - 28),
        };
        Unit {
            id: unit.id.clone(),
            name: unit.name.clone(),
            kind: kind.to_owned(),
            official_code: format!("000.00.{:02}.H99", number + 1),
            domains: vec![format!("{}.tinh.example", unit.id)],
            address: format!("Số {place}, đường Hải Đăng, tỉnh Mô Phỏng"),
            // Numbers that no subscriber has.
            telephone: format!("+84 254 000 {number:04}"),
            email: format!("vanthu@{}.tinh.example", unit.id),
            contact_name: format!("Cán bộ phụ trách {}", unit.id.to_ascii_uppercase()),
            contact_position: "Chuyên viên".to_owned(),
            contact_telephone: format!("+84 254 001 {number:04}"),
            contact_email: format!("antoan@{}.tinh.example", unit.id),
            ..Unit::default()
        }
    }

    fn registered_system(&self, number: usize) -> System {
        let system = &self.systems[number];
        let unit = &self.units[system.unit];
        // A third of the systems has come all the way, as in a province that is at it.
        let (dossier, plan) = match number % 6 {
            0 | 1 => (Dossier::Approved, Plan::Partly),
            2 => (Dossier::Approved, Plan::Fully),
            3 => (Dossier::Submitted, Plan::None),
            4 => (Dossier::Drafted, Plan::None),
            _ => (Dossier::None, Plan::None),
        };
        let approved = dossier == Dossier::Approved;
        System {
            id: system.id.clone(),
            name: system.name.clone(),
            unit: unit.id.clone(),
            level: system.level,
            level_since: approved.then_some(DETERMINED),
            dossier,
            decision: if approved { format!("{}/QĐ-MP", 100 + number) } else { String::new() },
            decided: approved.then_some(DETERMINED),
            plan,
            // 203.0.113.0/24 is for documentation; 91 systems fit.
            addresses: vec![format!("203.0.113.{}", number + 10)],
            domains: vec![format!("{}.{}.tinh.example", system.id, unit.id)],
            registered: number % 4 != 3,
            provider: "Công ty Giám sát Mô Phỏng".to_owned(),
            isp: "Nhà mạng Mô Phỏng".to_owned(),
            ..System::default()
        }
    }

    fn machines(&self, number: usize, registry: &mut Registry) {
        let unit = &self.units[number];
        registry.assets.push(Asset {
            id: format!("{}-mang", unit.id),
            unit: unit.id.clone(),
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
                unit: if system.is_empty() { unit.id.clone() } else { String::new() },
                system,
                addresses: vec![device.address.to_string()],
                hosts: vec![device.name.clone()],
                logs: true,
            });
        }
        let product = if number.is_multiple_of(2) { "Kaspersky" } else { "ESET" };
        registry.endpoints.extend(unit.endpoints.iter().map(|endpoint| Endpoint {
            id: endpoint.name.clone(),
            unit: unit.id.clone(),
            addresses: vec![endpoint.address.to_string()],
            os: "Windows 11".to_owned(),
            antivirus: product.to_owned(),
            ..Endpoint::default()
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry::{Document, Format, Import, Kind};

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
