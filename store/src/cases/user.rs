//! Users and their roles.

use super::sql::{Row, sql};
use super::{Actor, Cases, Error, audit, password, secret};
use event::Time;
use serde::Serialize;

/// What a user may do. The order is that of what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Another organisation: fetches and leaves what is exchanged with it, and sees nothing else.
    Partner,
    /// Reads only.
    Auditor,
    /// Handles incidents.
    Responder,
    /// Handles users too.
    Admin,
}

impl Role {
    /// The word on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Partner => "partner",
            Role::Auditor => "auditor",
            Role::Responder => "responder",
            Role::Admin => "admin",
        }
    }

    /// The role that the word names.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Role> {
        [Role::Partner, Role::Auditor, Role::Responder, Role::Admin]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// A user, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// A random UUID.
    pub id: String,
    /// The name to sign in with.
    pub username: String,
    /// The name to show.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// `vi` or `en`.
    pub language: String,
    /// May not sign in.
    pub disabled: bool,
    /// The password was given by somebody else and is to be changed first.
    pub must_change_password: bool,
}

/// A user to be.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Lower-case letters, digits, `.`, `_`, `-`; begins with a letter; at most 64.
    pub username: String,
    /// At most 200 characters; the username if empty.
    pub display_name: String,
    /// What they may do.
    pub role: Role,
    /// At least 12 characters; to be changed at the first sign-in.
    pub password: String,
}

/// What an administrator changes of a user; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// The name to show.
    pub display_name: Option<String>,
    /// What they may do.
    pub role: Option<Role>,
    /// May not sign in.
    pub disabled: Option<bool>,
    /// A new password, to be changed at the next sign-in.
    pub password: Option<String>,
}

/// The password made for the first administrator: to be shown once and kept nowhere.
pub struct OneTimePassword(pub String);

impl Cases {
    /// Makes the user `admin` if there are no users yet: with `password`, or with one made here, which is returned
    /// and must be changed at the first sign-in.
    ///
    /// # Errors
    /// The password is too short, or the database refused.
    pub async fn ensure_admin(
        &self,
        password: Option<String>,
        now: Time,
    ) -> Result<Option<OneTimePassword>, Error> {
        let row = sql("SELECT COUNT(*) FROM users").fetch_one(&self.read).await?;
        if row.get::<i64>(0)? > 0 {
            return Ok(None);
        }
        let (password, made) = match password {
            Some(password) => (password, None),
            None => {
                let mut made = secret::random_token()?;
                made.truncate(32); // 128 bits: enough for a password that is used once
                (made.clone(), Some(OneTimePassword(made)))
            }
        };
        let admin = NewUser {
            username: "admin".to_owned(),
            display_name: "Quản trị viên".to_owned(),
            role: Role::Admin,
            password,
        };
        match self.insert_user(&Actor::system("first run", now), admin, made.is_some()).await {
            Err(Error::Exists(_)) => Ok(None), // another process was quicker
            done => done.map(|_| made),
        }
    }

    /// Makes a user, who must change the password at the first sign-in.
    ///
    /// # Errors
    /// A field is unfit, the name is taken, or there are too many users.
    pub async fn add_user(&self, by: &Actor, user: NewUser) -> Result<User, Error> {
        self.insert_user(by, user, true).await
    }

    async fn insert_user(&self, by: &Actor, user: NewUser, must_change: bool) -> Result<User, Error> {
        check_username(&user.username)?;
        check_display_name(&user.display_name)?;
        password::check(&user.password)?;
        let hashed = self.hasher.hash(user.password).await?;
        let id = secret::random_id()?;
        let mut tx = self.begin().await?;
        let row =
            sql("SELECT COUNT(*), COALESCE(SUM(CASE WHEN username = $1 THEN 1 ELSE 0 END), 0) FROM users")
                .bind(&user.username)
                .fetch_one(&mut tx)
                .await?;
        let (count, same): (i64, i64) = (row.get(0)?, row.get(1)?);
        if same > 0 {
            return Err(Error::Exists("this username"));
        }
        if count >= i64::from(self.config.users_max) {
            return Err(Error::Limit { what: "users", max: self.config.users_max });
        }
        let display_name =
            if user.display_name.is_empty() { user.username.clone() } else { user.display_name };
        sql(
            "INSERT INTO users (id, username, display_name, role, password, must_change_password, language, disabled, created_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, 'vi', 0, $7)",
        )
        .bind(&id)
        .bind(&user.username)
        .bind(&display_name)
        .bind(user.role.name())
        .bind(hashed)
        .bind(i64::from(must_change))
        .bind(by.now.0)
        .execute(&mut tx)
        .await?;
        audit::append(&mut tx, by, "user.add", &user.username, "done", user.role.name()).await?;
        tx.commit().await?;
        Ok(User {
            id,
            username: user.username,
            display_name,
            role: user.role,
            language: "vi".to_owned(),
            disabled: false,
            must_change_password: must_change,
        })
    }

    /// Everyone, by username.
    ///
    /// # Errors
    /// The database refused.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        let rows = sql(
            "SELECT u.id, u.username, u.display_name, u.role, u.language, u.disabled, u.must_change_password \
             FROM users u ORDER BY u.username",
        )
        .fetch_all(&self.read)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Changes a user. Disabling, a new password and a lesser role end the user's sessions.
    ///
    /// # Errors
    /// No such user, an unfit field, or it would leave nobody who may administer.
    pub async fn change_user(&self, by: &Actor, id: &str, change: UserChange) -> Result<User, Error> {
        if let Some(name) = &change.display_name {
            check_display_name(name)?;
        }
        let hashed = match change.password {
            Some(password) => {
                password::check(&password)?;
                Some(self.hasher.hash(password).await?)
            }
            None => None,
        };
        let mut tx = self.begin().await?;
        let was = sql(
            "SELECT u.id, u.username, u.display_name, u.role, u.language, u.disabled, u.must_change_password \
             FROM users u WHERE u.id = $1",
        )
        .bind(id)
        .fetch_optional(&mut tx)
        .await?;
        let was = read(&was.ok_or(Error::Missing("user"))?)?;
        let user = User {
            display_name: change.display_name.unwrap_or_else(|| was.display_name.clone()),
            role: change.role.unwrap_or(was.role),
            disabled: change.disabled.unwrap_or(was.disabled),
            must_change_password: was.must_change_password || hashed.is_some(),
            ..was.clone()
        };
        sql("UPDATE users SET display_name = $2, role = $3, disabled = $4, must_change_password = $5, \
             password = COALESCE($6, password) WHERE id = $1")
        .bind(id)
        .bind(&user.display_name)
        .bind(user.role.name())
        .bind(i64::from(user.disabled))
        .bind(i64::from(user.must_change_password))
        .bind(&hashed)
        .execute(&mut tx)
        .await?;
        let row = sql("SELECT COUNT(*) FROM users WHERE role = 'admin' AND disabled = 0")
            .fetch_one(&mut tx)
            .await?;
        if row.get::<i64>(0)? == 0 {
            return Err(Error::Invalid("somebody must be left who may administer".to_owned()));
        }
        if user.disabled || hashed.is_some() || user.role < was.role {
            sql("DELETE FROM sessions WHERE user_id = $1").bind(id).execute(&mut tx).await?;
        }
        let detail =
            format!("role={} disabled={} password={}", user.role.name(), user.disabled, hashed.is_some());
        audit::append(&mut tx, by, "user.change", &user.username, "done", &detail).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Sets the language that a user reads.
    ///
    /// # Errors
    /// Not `vi` or `en`, or no such user.
    pub async fn set_language(&self, by: &Actor, user: &str, language: &str) -> Result<(), Error> {
        if !matches!(language, "vi" | "en") {
            return Err(Error::Invalid("language is `vi` or `en`".to_owned()));
        }
        let mut tx = self.begin().await?;
        let done = sql("UPDATE users SET language = $2 WHERE id = $1")
            .bind(user)
            .bind(language)
            .execute(&mut tx)
            .await?;
        if done == 0 {
            return Err(Error::Missing("user"));
        }
        audit::append(&mut tx, by, "user.language", &by.name, "done", language).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// A user's row: id, username, display name, role, language, disabled, must change the password.
pub(super) fn read(row: &Row) -> Result<User, Error> {
    Ok(User {
        id: row.get(0)?,
        username: row.get(1)?,
        display_name: row.get(2)?,
        role: Role::by_name(row.get(3)?).ok_or(Error::Corrupt("role"))?,
        language: row.get(4)?,
        disabled: row.get::<i64>(5)? != 0,
        must_change_password: row.get::<i64>(6)? != 0,
    })
}

fn check_username(name: &str) -> Result<(), Error> {
    let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    if name.len() > 64 || !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fit) {
        return Err(Error::Invalid(
            "a username begins with a letter a-z and has letters a-z, digits, `.`, `_`, `-`, at most 64"
                .to_owned(),
        ));
    }
    Ok(())
}

fn check_display_name(name: &str) -> Result<(), Error> {
    if name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(Error::Invalid(
            "a display name has at most 200 characters, none of them control characters".to_owned(),
        ));
    }
    Ok(())
}
