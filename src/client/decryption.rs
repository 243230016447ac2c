//! From settings to how ID Tokens and userinfo answers that are encrypted to the client are opened.

use super::credentials::private_key;
use crate::error::{Error, Result, Status};
use crate::settings::Values;
use crate::signing::PrivateKey;
use crate::tokens::{CONTENT_ALGORITHMS, Decryption, KEY_ALGORITHMS};

const KEY: &str = "client_decryption_key";

/// How one kind of answer is registered to be encrypted: the settings' names (OpenID Connect Registration §2).
struct Registered {
    algorithm: &'static str,
    encryption: &'static str,
}

const ID_TOKEN: Registered = Registered {
    algorithm: "id_token_encrypted_response_alg",
    encryption: "id_token_encrypted_response_enc",
};
const USERINFO: Registered = Registered {
    algorithm: "userinfo_encrypted_response_alg",
    encryption: "userinfo_encrypted_response_enc",
};

/// What opens the answers that are encrypted to the client, with the same keys for both kinds.
pub struct Decryptions {
    pub id_token: Option<Decryption>,
    pub userinfo: Option<Decryption>,
}

impl Decryptions {
    /// Errors: `MISSING_SETTING`, `CONFLICTING_SETTINGS`, `INVALID_VALUE`, `FILE`.
    pub fn new(values: &Values) -> Result<Decryptions> {
        let keys = private_key(values, KEY, PrivateKey::read_for_decryption)?;
        let id_token = ID_TOKEN.decryption(values, keys.as_deref())?;
        let userinfo = USERINFO.decryption(values, keys.as_deref())?;
        if keys.is_some() && id_token.is_none() && userinfo.is_none() {
            return Err(lone(KEY, &format!("{} or {}", ID_TOKEN.algorithm, USERINFO.algorithm)));
        }
        Ok(Decryptions { id_token, userinfo })
    }
}

impl Registered {
    fn decryption(&self, values: &Values, keys: Option<&[PrivateKey]>) -> Result<Option<Decryption>> {
        let Some(name) = values.text(self.algorithm) else {
            return match values.given(self.encryption) {
                None => Ok(None),
                Some(_) => Err(lone(self.encryption, self.algorithm)),
            };
        };
        let missing = || Error::new(Status::MISSING_SETTING, format!("{KEY} or {KEY}_file is missing"));
        let keys = keys.ok_or_else(missing)?;
        let algorithm = KEY_ALGORITHMS.iter().find(|algorithm| algorithm.name == name);
        let encryption = values.text(self.encryption);
        let encryption = CONTENT_ALGORITHMS.iter().find(|algorithm| Some(algorithm.name) == encryption);
        let (Some(algorithm), Some(encryption)) = (algorithm, encryption) else {
            return Err(Status::INTERNAL.into()); // the table's words
        };
        let with = |key: &PrivateKey| match key.algorithm.as_deref().filter(|own| *own != name) {
            Some(own) => Err(format!("the private key is for {own} alone, not for {name}")),
            None => Decryption::new(algorithm, encryption, key.key_id.clone(), key.for_decryption().as_ref()),
        };
        // Of several keys some may be for the other kind of answer.
        let fitting = keys.iter().map(with).reduce(|one, other| match (one, other) {
            (Ok(one), Ok(other)) => Ok(one.and(other)),
            (one, other) => one.or(other),
        });
        let fitting = fitting.unwrap_or_else(|| Err("no key is given".to_owned()));
        fitting
            .map(Some)
            .map_err(|why| Error::new(Status::CONFLICTING_SETTINGS, format!("{}: {why}", self.algorithm)))
    }
}

fn lone(given: &str, without: &str) -> Error {
    Error::new(Status::CONFLICTING_SETTINGS, format!("{given} is given without {without}"))
}
