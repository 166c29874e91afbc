//! API tokens: for scripts, with a role not above their user's; only the hash is kept.

use super::sql::{Row, sql};
use super::{Actor, Cases, Error, Role, User, audit, secret, user};
use event::Time;

/// A token as it can be shown again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose it is.
    pub username: String,
    /// When it was made.
    pub created: Time,
}

/// A token just made: the secret is shown once.
#[derive(Clone, Debug)]
pub struct TokenMade {
    /// What can be shown again.
    pub token: Token,
    /// What cannot.
    pub secret: String,
}

impl Cases {
    /// Makes a token of `owner`, with `role`, at most the owner's own.
    ///
    /// # Errors
    /// The name is unfit, the role above the owner's, or the owner has too many tokens.
    pub async fn add_token(
        &self,
        by: &Actor,
        owner: &User,
        name: &str,
        role: Role,
    ) -> Result<TokenMade, Error> {
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return Err(Error::Invalid(
                "a token's name has 1 to 100 characters, none of them control characters".to_owned(),
            ));
        }
        if role > owner.role {
            return Err(Error::Invalid("a token's role is at most its user's".to_owned()));
        }
        let (id, secret) = (secret::random_id()?, format!("hd_{}", secret::random_token()?));
        let mut tx = self.begin().await?;
        let row =
            sql("SELECT COUNT(*) FROM tokens WHERE user_id = $1").bind(&owner.id).fetch_one(&mut tx).await?;
        if row.get::<i64>(0)? >= i64::from(self.config.tokens_per_user_max) {
            return Err(Error::Limit { what: "tokens of one user", max: self.config.tokens_per_user_max });
        }
        sql(
            "INSERT INTO tokens (id, user_id, name, role, token, created_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&id)
        .bind(&owner.id)
        .bind(name)
        .bind(role.name())
        .bind(hash(&secret))
        .bind(by.now.0)
        .execute(&mut tx)
        .await?;
        audit::append(&mut tx, by, "token.add", &id, "done", name).await?;
        tx.commit().await?;
        let token =
            Token { id, name: name.to_owned(), role, username: owner.username.clone(), created: by.now };
        Ok(TokenMade { token, secret })
    }

    /// The tokens of the user with id `owner`; of everyone for `None`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn tokens(&self, owner: Option<&str>) -> Result<Vec<Token>, Error> {
        let rows = sql(
            "SELECT t.id, t.name, t.role, u.username, t.created_ms FROM tokens t JOIN users u ON u.id = t.user_id \
             WHERE ($1 = '' OR t.user_id = $1) ORDER BY t.created_ms, t.id",
        )
        .bind(owner.unwrap_or_default())
        .fetch_all(&self.read)
        .await?;
        let read = |row: &Row| {
            Ok(Token {
                id: row.get(0)?,
                name: row.get(1)?,
                role: Role::by_name(row.get(2)?).ok_or(Error::Corrupt("role"))?,
                username: row.get(3)?,
                created: Time(row.get(4)?),
            })
        };
        rows.iter().map(read).collect()
    }

    /// Takes a token back: `owner`'s, or anyone's for `None`.
    ///
    /// # Errors
    /// No such token of that owner.
    pub async fn remove_token(&self, by: &Actor, owner: Option<&str>, id: &str) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let done = sql("DELETE FROM tokens WHERE id = $1 AND ($2 = '' OR user_id = $2)")
            .bind(id)
            .bind(owner.unwrap_or_default())
            .execute(&mut tx)
            .await?;
        if done == 0 {
            return Err(Error::Missing("token"));
        }
        audit::append(&mut tx, by, "token.remove", id, "done", "").await?;
        tx.commit().await?;
        Ok(())
    }

    /// The user whom a token stands for, with the lesser of the token's role and the user's.
    ///
    /// # Errors
    /// The database refused.
    pub async fn token_user(&self, secret: &str) -> Result<Option<User>, Error> {
        let row = sql(
            "SELECT u.id, u.username, u.display_name, u.role, u.language, u.disabled, u.must_change_password, t.role \
             FROM tokens t JOIN users u ON u.id = t.user_id WHERE t.token = $1 AND u.disabled = 0",
        )
        .bind(hash(secret))
        .fetch_optional(&self.read)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut user = user::read(&row)?;
        let role = Role::by_name(row.get(7)?).ok_or(Error::Corrupt("role"))?;
        user.role = user.role.min(role);
        Ok(Some(user))
    }
}

fn hash(secret: &str) -> String {
    secret::digest(&[b"token\0", secret.as_bytes()])
}
