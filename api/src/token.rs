//! `/tokens`: for scripts.

use crate::access::Caller;
use crate::error::Error;
use crate::extract::{Json, Path};
use crate::{App, user};
use axum::extract::State;
use axum::http::StatusCode;
use event::Time;
use serde::{Deserialize, Serialize};
use store::cases::Role;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove))
}

#[derive(Serialize, ToSchema)]
struct TokenBody {
    id: String,
    name: String,
    #[schema(value_type = user::RoleName)]
    role: Role,
    username: String,
    #[schema(value_type = String, format = DateTime)]
    created: Time,
}

#[derive(Serialize, ToSchema)]
struct TokenList {
    items: Vec<TokenBody>,
    next: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    /// What it is for.
    name: String,
    /// At most one's own role, which is taken if absent.
    #[schema(value_type = Option<user::RoleName>)]
    role: Option<Role>,
}

/// A token just made.
#[derive(Serialize, ToSchema)]
struct TokenMade {
    id: String,
    name: String,
    /// Shown once.
    token: String,
}

/// One's own tokens; everyone's for an administrator. Never the secrets.
#[utoipa::path(get, path = "/tokens", tag = "tokens", responses((status = 200, body = TokenList)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<axum::Json<TokenList>, Error> {
    let tokens = app.cases.tokens(owner(&caller)).await?;
    let items = tokens.into_iter().map(|token| TokenBody {
        id: token.id,
        name: token.name,
        role: token.role,
        username: token.username,
        created: token.created,
    });
    Ok(axum::Json(TokenList { items: items.collect(), next: None }))
}

/// A new token.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = TokenRequest,
    responses((status = 201, body = TokenMade), (status = 409), (status = 422)))]
async fn add(
    State(app): State<App>,
    caller: Caller,
    Json(sent): Json<TokenRequest>,
) -> Result<(StatusCode, axum::Json<TokenMade>), Error> {
    let role = sent.role.unwrap_or(caller.user.role);
    let made = app.cases.add_token(&caller.actor, &caller.user, &sent.name, role).await?;
    let body = TokenMade { id: made.token.id, name: made.token.name, token: made.secret };
    Ok((StatusCode::CREATED, axum::Json(body)))
}

/// Takes a token back.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
async fn remove(State(app): State<App>, caller: Caller, Path(id): Path) -> Result<StatusCode, Error> {
    app.cases.remove_token(&caller.actor, owner(&caller), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose tokens the caller may see and take back: everyone's (`None`) for an administrator.
fn owner(caller: &Caller) -> Option<&str> {
    (caller.user.role != Role::Admin).then_some(caller.user.id.as_str())
}
