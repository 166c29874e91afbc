//! What a caller may do with a collection.

use crate::App;
use crate::access::Caller;
use crate::error::Error;
use event::Tlp;
use exchange::Collection;
use exchange::taxii::{CollectionInfo, OBJECT_MEDIA_TYPE};

/// What a caller may do with a collection.
pub(super) struct Right<'a> {
    pub(super) collection: &'a Collection,
    /// The collection's id as the store has it.
    pub(super) id: String,
    clearance: Option<Tlp>,
    may_write: bool,
}

impl<'a> Right<'a> {
    fn of(caller: &Caller, collection: &'a Collection) -> Option<Right<'a>> {
        let (user, role) = (caller.user.username.as_str(), caller.user.role.name());
        let clearance = collection.clearance(user, role);
        let may_write = collection.may_write(user, role);
        let id = collection.id.to_string();
        (clearance.is_some() || may_write).then_some(Right { collection, id, clearance, may_write })
    }

    /// The collection of this id or alias. One in which the caller may do nothing is not there for them.
    pub(super) fn in_named(app: &'a App, caller: &Caller, name: &str) -> Result<Right<'a>, Error> {
        let collection = app.exchange.taxii.collection(name).ok_or(Error::Missing("collection"))?;
        Right::of(caller, collection).ok_or(Error::Missing("collection"))
    }

    /// Every collection in which the caller may do something.
    pub(super) fn all(app: &'a App, caller: &Caller) -> Vec<Right<'a>> {
        app.exchange.taxii.collections.iter().filter_map(|one| Right::of(caller, one)).collect()
    }

    /// The strictest colour that the caller may see here.
    pub(super) fn to_read(&self) -> Result<Tlp, Error> {
        self.clearance.ok_or(Error::Forbidden("you may not read this collection"))
    }

    pub(super) fn to_write(&self) -> Result<(), Error> {
        self.may_write.then_some(()).ok_or(Error::Forbidden("you may not write to this collection"))
    }

    pub(super) fn info(&self) -> CollectionInfo {
        let collection = self.collection;
        CollectionInfo {
            id: self.id.clone(),
            title: collection.title.clone(),
            description: Some(collection.description.clone()).filter(|text| !text.is_empty()),
            alias: collection.alias.clone(),
            can_read: self.clearance.is_some(),
            can_write: self.may_write,
            media_types: vec![OBJECT_MEDIA_TYPE.to_owned()],
        }
    }
}
