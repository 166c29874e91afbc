//! `/users`.

use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::{Json, Path};
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::cases::{NewUser, Role, User, UserChange};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(change))
}

/// `admin`, `responder` (handles incidents), `auditor` (reads only).
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)] // the schema of `store::cases::Role`
pub(crate) enum RoleName {
    Admin,
    Responder,
    Auditor,
    Partner,
}

#[derive(Serialize, ToSchema)]
struct UserBody {
    id: String,
    username: String,
    display_name: String,
    #[schema(value_type = RoleName)]
    role: Role,
    disabled: bool,
}

impl From<User> for UserBody {
    fn from(user: User) -> UserBody {
        let User { id, username, display_name, role, disabled, .. } = user;
        UserBody { id, username, display_name, role, disabled }
    }
}

#[derive(Serialize, ToSchema)]
struct UserList {
    items: Vec<UserBody>,
    next: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserRequest {
    /// a-z, digits, `.`, `_`, `-`; begins with a letter; at most 64.
    username: String,
    #[serde(default)]
    display_name: String,
    #[schema(value_type = RoleName)]
    role: Role,
    /// At least 12 characters; to be changed at the first sign-in.
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserChangeRequest {
    display_name: Option<String>,
    #[schema(value_type = Option<RoleName>)]
    role: Option<Role>,
    disabled: Option<bool>,
    /// At least 12 characters; to be changed at the next sign-in.
    password: Option<String>,
}

/// Everyone, by username.
#[utoipa::path(get, path = "/users", tag = "users", responses((status = 200, body = UserList)))]
async fn list(State(app): State<App>) -> Result<axum::Json<UserList>, Error> {
    let items = app.cases.users().await?.into_iter().map(UserBody::from).collect();
    Ok(axum::Json(UserList { items, next: None }))
}

/// A new user.
#[utoipa::path(post, path = "/users", tag = "users", request_body = UserRequest,
    responses((status = 201, body = UserBody), (status = 409), (status = 422)))]
async fn add(
    State(app): State<App>,
    caller: Caller,
    Json(sent): Json<UserRequest>,
) -> Result<(StatusCode, axum::Json<UserBody>), Error> {
    let UserRequest { username, display_name, role, password } = sent;
    let user = app.cases.add_user(&caller.actor, NewUser { username, display_name, role, password }).await?;
    Ok((StatusCode::CREATED, axum::Json(user.into())))
}

/// Another name, role or password; a user who may no longer sign in.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", params(("id" = String, Path)),
    request_body = UserChangeRequest, responses((status = 200, body = UserBody), (status = 404), (status = 422)))]
async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    Json(sent): Json<UserChangeRequest>,
) -> Result<axum::Json<UserBody>, Error> {
    let UserChangeRequest { display_name, role, disabled, password } = sent;
    let change = UserChange { display_name, role, disabled, password };
    Ok(axum::Json(app.cases.change_user(&caller.actor, &id, change).await?.into()))
}
