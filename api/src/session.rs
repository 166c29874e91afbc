//! `/session`: signing in and out, one's own password and language.

use crate::access::{COOKIE, Caller, Peer};
use crate::error::Error;
use crate::extract::Json;
use crate::{App, user};
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(begin, show, end, change)).routes(routes!(password))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    username: String,
    password: String,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
struct SessionBody {
    user: SessionUser,
    /// What every change must carry in `X-CSRF-Token`; null for an API token, which needs none.
    csrf: Option<String>,
    /// Nothing else is answered until the password is changed.
    must_change_password: bool,
}

#[derive(Serialize, ToSchema)]
struct SessionUser {
    id: String,
    username: String,
    display_name: String,
    #[schema(value_type = user::RoleName)]
    role: store::cases::Role,
    /// `vi` or `en`.
    language: String,
}

impl SessionBody {
    fn of(user: store::cases::User, csrf: Option<String>) -> SessionBody {
        let must_change_password = user.must_change_password;
        let store::cases::User { id, username, display_name, role, language, .. } = user;
        SessionBody {
            user: SessionUser { id, username, display_name, role, language },
            csrf,
            must_change_password,
        }
    }
}

/// Sign in: sets the cookie `haidang_session`. 429 after five failures of a user from an address within five minutes.
#[utoipa::path(post, path = "/session", tag = "session", request_body = Credentials,
    responses((status = 200, body = SessionBody), (status = 401), (status = 429)))]
async fn begin(State(app): State<App>, peer: Peer, Json(sent): Json<Credentials>) -> Result<Response, Error> {
    let signed = app.cases.sign_in(&sent.username, sent.password, &peer.address, peer.now).await?;
    let secure = if app.config.tls { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/{secure}", signed.token);
    let body = SessionBody::of(signed.session.user, Some(signed.session.csrf));
    let cookie = HeaderValue::try_from(cookie).map_err(|_| Error::NoAccessRule)?;
    Ok(([(header::SET_COOKIE, cookie)], axum::Json(body)).into_response())
}

/// Who is signed in.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = SessionBody)))]
async fn show(caller: Caller) -> axum::Json<SessionBody> {
    axum::Json(SessionBody::of(caller.user, caller.session.map(|session| session.1)))
}

/// Sign out.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)))]
async fn end(State(app): State<App>, caller: Caller) -> Result<Response, Error> {
    if let Some((token, _)) = &caller.session {
        app.cases.sign_out(&caller.actor, token).await?;
    }
    let cookie = HeaderValue::from_static("haidang_session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SessionChange {
    /// `vi` or `en`.
    language: String,
}

/// The language to read.
#[utoipa::path(patch, path = "/session", tag = "session", request_body = SessionChange, responses((status = 204)))]
async fn change(
    State(app): State<App>,
    caller: Caller,
    Json(sent): Json<SessionChange>,
) -> Result<StatusCode, Error> {
    app.cases.set_language(&caller.actor, &caller.user.id, &sent.language).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    current: String,
    /// At least 12 characters.
    new: String,
}

/// One's own password; ends one's other sessions.
#[utoipa::path(put, path = "/session/password", tag = "session", request_body = PasswordChange,
    responses((status = 204), (status = 403, description = "the current password is wrong")))]
async fn password(
    State(app): State<App>,
    caller: Caller,
    Json(sent): Json<PasswordChange>,
) -> Result<StatusCode, Error> {
    let Some((token, _)) = &caller.session else { return Err(Error::SignInFirst) };
    match app.cases.change_password(&caller.actor, token, sent.current, sent.new).await {
        // Not 401: the session stands.
        Err(store::cases::Error::Denied) => Err(Error::Forbidden("the current password is wrong")),
        done => Ok(done.map(|()| StatusCode::NO_CONTENT)?),
    }
}
