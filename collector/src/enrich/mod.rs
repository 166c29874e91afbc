//! What a line does not say but we know: where a public address is, and whose machine an event is about.
//!
//! Invariant: enrichment adds fields and never removes an event. A database or registry that cannot be read is a
//! [`Warning`], so a centre whose GeoIP subscription lapsed still collects.

mod asset;
mod geoip;
#[cfg(test)]
mod mmdb;

pub use asset::{Asset, AssetError, Assets};
pub use geoip::GeoipError;

use event::Event;
use geoip::Geoip;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// What to enrich with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// MaxMind DB files, told apart by what they say they are: City or Country for places, ASN or ISP for networks.
    /// Of two of one kind, the later file wins.
    pub geoip: Vec<PathBuf>,
    /// A file (YAML) of units, systems and assets, for a collector without the database that has the registry; it
    /// takes the registry's place.
    pub assets: Option<PathBuf>,
    /// How many addresses' places are remembered. A new address takes the place of an older one; nothing is lost but
    /// the time of looking it up again.
    pub geoip_cache_addresses_max: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { geoip: Vec::new(), assets: None, geoip_cache_addresses_max: 16_384 }
    }
}

/// Something that enrichment must do without.
#[derive(Debug, thiserror::Error)]
pub enum Warning {
    /// A database that cannot be used: events get no places from it.
    #[error(transparent)]
    Geoip(#[from] GeoipError),
    /// A mistake in the registry. The registry is used as a whole or not at all.
    #[error(transparent)]
    Asset(#[from] AssetError),
}

/// Adds fields to events. Shared by threads.
#[derive(Debug, Default)]
pub struct Enricher {
    geoip: Geoip,
    assets: Arc<Assets>,
}

impl Enricher {
    /// Reads the databases and the registry; says everything that it could not use.
    #[must_use]
    pub fn load(config: &Config) -> (Enricher, Vec<Warning>) {
        let (geoip, errors) = Geoip::open(&config.geoip, config.geoip_cache_addresses_max);
        let mut warnings: Vec<Warning> = errors.into_iter().map(Warning::from).collect();
        let assets = match config.assets.as_deref().map(Assets::read) {
            None => Assets::default(),
            Some(Ok(assets)) => assets,
            Some(Err(errors)) => {
                warnings.extend(errors.into_iter().map(Warning::from));
                Assets::default()
            }
        };
        (Enricher { geoip, assets: Arc::new(assets) }, warnings)
    }

    /// The table of assets in force.
    #[must_use]
    pub fn assets(&self) -> &Arc<Assets> {
        &self.assets
    }

    /// Puts another table of assets in force.
    pub fn set_assets(&mut self, assets: Arc<Assets>) {
        self.assets = assets;
    }

    /// Adds `source.geo.*`, `source.as.*`, `destination.*` alike, `haidang.unit.*`, `haidang.system.*` and
    /// `haidang.asset.id`, as far as known.
    pub fn enrich(&self, event: &mut Event) {
        self.geoip.enrich(event);
        self.assets.enrich(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::{Draft, Field, Raw, Time};

    #[test]
    fn what_is_missing_is_a_warning_and_the_rest_still_works() {
        let dir = tempfile::tempdir().unwrap();
        let city = dir.path().join("city.mmdb");
        std::fs::write(&city, mmdb::city(&[("1.2.3.0/24", "VN", "Vietnam", "Hanoi")])).unwrap();
        let config = Config {
            geoip: vec![dir.path().join("absent.mmdb"), city],
            assets: Some(dir.path().join("absent.yaml")),
            ..Config::default()
        };
        let (enricher, warnings) = Enricher::load(&config);
        let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("absent.mmdb") && said[1].contains("absent.yaml"), "{said:?}");
        let mut draft = Draft::new(&Raw::stdin("x", Time(0), 1));
        draft.put(Field::SOURCE_IP, "1.2.3.4");
        let mut event = draft.finish();
        enricher.enrich(&mut event);
        assert_eq!(event.text(Field::SOURCE_GEO_CITY_NAME), Some("Hanoi"));
    }
}
