//! How the client proves itself: exactly one way, the same at every endpoint.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::wire::{Form, percent_encoded};

/// The registered `token_endpoint_auth_method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    ClientSecretBasic,
    ClientSecretPost,
}

impl Method {
    /// The name, as in client metadata.
    pub fn name(self) -> &'static str {
        match self {
            Method::ClientSecretBasic => "client_secret_basic",
            Method::ClientSecretPost => "client_secret_post",
        }
    }

    /// The method of this name.
    pub fn from_name(name: &str) -> Option<Method> {
        [Method::ClientSecretBasic, Method::ClientSecretPost].into_iter().find(|m| m.name() == name)
    }
}

/// What the client proves itself with.
pub struct ClientAuthentication {
    pub method: Method,
    pub client_id: String,
    pub client_secret: SecretString,
    /// See [`crate::provider::Rules::basic_form_encoded`].
    pub basic_form_encoded: bool,
}

impl ClientAuthentication {
    /// Adds the credentials to a form, or gives the `Authorization` header that carries them.
    pub fn apply(&self, form: &mut Form) -> Option<SecretString> {
        let secret = self.client_secret.expose_secret();
        match self.method {
            Method::ClientSecretPost => {
                form.add("client_id", &self.client_id);
                form.add("client_secret", secret);
                None
            }
            Method::ClientSecretBasic => {
                let pair = Zeroizing::new(if self.basic_form_encoded {
                    format!(
                        "{}:{}",
                        percent_encoded(&self.client_id).as_str(),
                        percent_encoded(secret).as_str()
                    )
                } else {
                    format!("{}:{secret}", self.client_id)
                });
                let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
                Some(format!("Basic {}", encoded.as_str()).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(id: &str, secret: &str, basic_form_encoded: bool) -> String {
        let authentication = ClientAuthentication {
            method: Method::ClientSecretBasic,
            client_id: id.into(),
            client_secret: secret.into(),
            basic_form_encoded,
        };
        let mut form = Form::default();
        let header = authentication.apply(&mut form).unwrap();
        assert!(form.encode().is_empty(), "nothing beside the header (R-03)");
        let encoded = header.expose_secret().strip_prefix("Basic ").unwrap().to_owned();
        String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
    }

    #[test]
    fn basic_credentials_are_form_encoded_unless_the_provider_takes_them_raw_r03() {
        assert_eq!(basic("me:1", "a+b/c=%", true), "me%3A1:a%2Bb%2Fc%3D%25");
        assert_eq!(basic("me", "a+b/c=%", false), "me:a+b/c=%");
    }

    #[test]
    fn credentials_in_the_body_leave_the_header_alone_r03() {
        let authentication = ClientAuthentication {
            method: Method::ClientSecretPost,
            client_id: "me".into(),
            client_secret: "a=".into(),
            basic_form_encoded: true,
        };
        let mut form = Form::default();
        assert!(authentication.apply(&mut form).is_none());
        assert_eq!(form.encode().as_slice(), b"client_id=me&client_secret=a%3D");
    }
}
