//! From settings to the key that encrypted ID Tokens are opened with.

use super::credentials::private_key;
use crate::error::{Error, Result, Status};
use crate::settings::Values;
use crate::signing::PrivateKey;
use crate::tokens::{CONTENT_ALGORITHMS, Decryption, KEY_ALGORITHMS};

const ALGORITHM: &str = "id_token_encrypted_response_alg";
const ENCRYPTION: &str = "id_token_encrypted_response_enc";
const KEY: &str = "client_decryption_key";

/// How ID Tokens are encrypted to the client, if they are: all of it is given, or nothing.
///
/// Errors: `MISSING_SETTING`, `CONFLICTING_SETTINGS`, `INVALID_VALUE`, `FILE`.
pub fn decryption(values: &Values) -> Result<Option<Decryption>> {
    let key = private_key(values, KEY, PrivateKey::read_for_decryption)?;
    let (algorithm, encryption) = (values.text(ALGORITHM), values.text(ENCRYPTION));
    let Some(name) = algorithm else {
        let lone = [(ENCRYPTION, encryption.is_some()), (KEY, key.is_some())];
        return match lone.iter().find(|(_, given)| *given) {
            None => Ok(None),
            Some((lone, _)) => {
                let text = format!("{lone} is given without {ALGORITHM}");
                Err(Error::new(Status::CONFLICTING_SETTINGS, text))
            }
        };
    };
    let missing = |text: String| Error::new(Status::MISSING_SETTING, text);
    let encryption = encryption.ok_or_else(|| {
        missing(format!("{ENCRYPTION} is missing: the usual default, A128CBC-HS256, is not supported"))
    })?;
    let key = key.ok_or_else(|| missing(format!("{KEY} or {KEY}_file is missing")))?;
    let algorithm = KEY_ALGORITHMS.iter().find(|algorithm| algorithm.name == name);
    let encryption = CONTENT_ALGORITHMS.iter().find(|algorithm| algorithm.name == encryption);
    let (Some(algorithm), Some(encryption)) = (algorithm, encryption) else {
        return Err(Status::INTERNAL.into()); // the table's words
    };
    let conflict = |why: String| Error::new(Status::CONFLICTING_SETTINGS, format!("{ALGORITHM}: {why}"));
    if let Some(own) = key.algorithm.as_deref().filter(|own| *own != name) {
        return Err(conflict(format!("the private key is for {own} alone, not for {name}")));
    }
    Decryption::new(algorithm, encryption, key.for_decryption().as_ref()).map(Some).map_err(conflict)
}
