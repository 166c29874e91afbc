//! The API's own description: OpenAPI 3.1 made from the code, and a page that shows it.

use crate::error::Problem;
use crate::{App, health, resources};
use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{InfoBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn router() -> Router<App> {
    let text = openapi();
    Router::new()
        .route("/api/openapi.json", get(move || asset("application/json", text.clone())))
        .route("/api/docs", get(|| asset("text/html; charset=utf-8", include_str!("docs/page.html"))))
        .route(
            "/api/docs/page.js",
            get(|| asset("text/javascript; charset=utf-8", include_str!("docs/page.js"))),
        )
        .route("/api/docs/page.css", get(|| asset("text/css; charset=utf-8", include_str!("docs/page.css"))))
}

async fn asset(kind: &'static str, text: impl axum::response::IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// The OpenAPI document as JSON.
#[must_use]
pub fn openapi() -> String {
    let (_, mut document) =
        OpenApiRouter::<App>::new().nest("/api/v1", resources()).merge(health::router()).split_for_parts();
    describe(&mut document);
    // Serialising our own tree of strings cannot fail.
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn describe(document: &mut OpenApi) {
    document.info = InfoBuilder::new()
        .title("Hải Đăng")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Times are RFC 3339 in UTC. Lists answer `items` and `next`, the cursor of the next page. A change made with \
             the cookie carries `X-CSRF-Token`.",
        ))
        .build();
    let components = document.components.get_or_insert_default();
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::access::COOKIE));
    components.security_schemes.insert("cookie".to_owned(), RefOr::T(SecurityScheme::ApiKey(cookie)));
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.security_schemes.insert("token".to_owned(), RefOr::T(bearer));
    let none: [&str; 0] = [];
    document.security =
        Some(vec![SecurityRequirement::new("cookie", none), SecurityRequirement::new("token", none)]);
    let problem = || {
        let body =
            ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name(Problem::name())))).build();
        ResponseBuilder::new()
            .description("What went wrong (RFC 9457)")
            .content("application/problem+json", body)
            .build()
    };
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
            .into_iter()
            .flatten();
        for operation in operations {
            operation.responses.responses.insert("default".to_owned(), RefOr::T(problem()));
        }
    }
}
