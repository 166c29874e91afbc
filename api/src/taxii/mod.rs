//! `/taxii2/`: what others fetch from us and leave with us, over TAXII 2.1.
//!
//! The routes are not in our OpenAPI document: the standard describes them, and they have its media type and its errors.
//! Invariant: what a client may see is decided in one place, [`right::Right`], and the store is never asked without it.

mod add;
mod answer;
mod collection;
mod object;
mod right;

pub(crate) use answer::shape;

use crate::App;
use axum::Router;
use axum::routing::{MethodRouter, get};

/// The one group of collections.
const ROOT: &str = "exchange";

/// Every route, with its last slash, and the methods that it takes.
pub(crate) fn routes() -> Vec<(&'static str, &'static [&'static str], MethodRouter<App>)> {
    vec![
        ("/taxii2/", &["GET"], get(collection::discovery)),
        ("/taxii2/exchange/", &["GET"], get(collection::root)),
        ("/taxii2/exchange/status/{id}/", &["GET"], get(add::status)),
        ("/taxii2/exchange/collections/", &["GET"], get(collection::list)),
        ("/taxii2/exchange/collections/{id}/", &["GET"], get(collection::one)),
        ("/taxii2/exchange/collections/{id}/manifest/", &["GET"], get(object::manifest)),
        ("/taxii2/exchange/collections/{id}/objects/", &["GET", "POST"], get(object::list).post(add::add)),
        (
            "/taxii2/exchange/collections/{id}/objects/{object}/",
            &["GET", "DELETE"],
            get(object::one).delete(object::remove),
        ),
        ("/taxii2/exchange/collections/{id}/objects/{object}/versions/", &["GET"], get(object::versions)),
        ("/taxii2/{*rest}", &["GET", "POST", "DELETE"], axum::routing::any(answer::nothing)),
    ]
}

pub(crate) fn router(app: &App) -> Router<App> {
    let mut router = Router::new();
    for (path, _, methods) in routes() {
        // Many clients leave out the last slash; `is_strict` refuses that in `negotiate`.
        if let Some(short) = path.strip_suffix('/') {
            router = router.route(short, methods.clone());
        }
        router = router.route(path, methods);
    }
    router.route_layer(axum::middleware::from_fn_with_state(App::clone(app), answer::negotiate))
}
