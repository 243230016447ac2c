//! `ciba.Tokens`.

use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDateTime, PyString};

use crate::time::datetime;

/// The tokens of one authentication, verified. They stay valid without their flow and client.
///
/// ``tokens["name"]`` is a member of the token response by its literal name, the provider's own among
/// them; a name that is not there raises ``KeyError``. The library's copy is wiped from memory with the
/// last reference; the ``str`` objects that are handed out are Python's, and are not.
#[pyclass(module = "ciba", frozen, weakref)]
pub struct Tokens(pub ciba::Tokens);

#[pymethods]
impl Tokens {
    /// The access token: a secret. Empty in restored tokens, until they are refreshed.
    #[getter]
    fn access_token(&self) -> &str {
        self.0.access_token()
    }

    /// The ID Token: signed, and confidential; one that came encrypted is decrypted. ``None`` only if none
    /// was asked for.
    #[getter]
    fn id_token(&self) -> Option<&str> {
        self.0.id_token()
    }

    /// The refresh token, if there is one: a secret.
    #[getter]
    fn refresh_token(&self) -> Option<&str> {
        self.0.refresh_token()
    }

    /// The type of the access token, as the provider wrote it: ``Bearer``.
    #[getter]
    fn token_type(&self) -> &str {
        self.0.token_type()
    }

    /// The scope of the access token; the one that was asked for if the provider names no other.
    #[getter]
    fn scope(&self) -> Option<&str> {
        self.0.scope()
    }

    /// When the access token expires, as an aware ``datetime``; ``None`` if the provider does not say.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.0.expires_at().map(|at| datetime(py, at)).transpose()
    }

    /// The claims of the verified ID Token as a new ``dict``, empty without an ID Token. Names are
    /// literal: ``tokens.claims["mitid.uuid"]``.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, self.0.claims_json().unwrap_or("{}"))
    }

    /// A member of the token response, or ``default`` where there is none of this name.
    #[pyo3(signature = (name, default=None))]
    fn get<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.member(name)?.or(default))
    }

    fn __getitem__<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.member(name)?.ok_or_else(|| PyKeyError::new_err(name.clone().unbind()))
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        let name = name.cast::<PyString>().ok();
        name.and_then(|name| self.0.member_json(&name.to_cow().ok()?)).is_some()
    }

    fn __repr__(&self) -> String {
        let with = [("ID Token", self.0.id_token()), ("refresh token", self.0.refresh_token())];
        let with: String =
            with.iter().filter(|(_, token)| token.is_some()).map(|(name, _)| format!(", {name}")).collect();
        format!("<ciba.Tokens: access token{with}>")
    }
}

impl Tokens {
    fn member<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Ok(text) = name.cast::<PyString>() else {
            return Err(PyTypeError::new_err("the name of a member must be str"));
        };
        let Ok(text) = text.to_cow() else { return Ok(None) }; // no member has such a name
        self.0.member_json(&text).map(|json| loads(name.py(), json)).transpose()
    }
}

/// What the provider says of a person (``Client.userinfo``) or of a token (``Client.introspect``).
///
/// ``answer["name"]`` is a member by its literal name; a name that is not there raises ``KeyError``.
#[pyclass(module = "ciba", frozen, weakref)]
pub struct Answer(pub ciba::Answer);

#[pymethods]
impl Answer {
    /// All members as a new ``dict``.
    #[getter]
    fn members<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        loads(py, self.0.json())
    }

    /// The whole answer as JSON, as the provider wrote it.
    #[getter]
    fn json(&self) -> &str {
        self.0.json()
    }

    /// A member, or ``default`` where there is none of this name.
    #[pyo3(signature = (name, default=None))]
    fn get<'py>(
        &self,
        name: &Bound<'py, PyAny>,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.member(name)?.or(default))
    }

    fn __getitem__<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.member(name)?.ok_or_else(|| PyKeyError::new_err(name.clone().unbind()))
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> bool {
        let name = name.cast::<PyString>().ok();
        name.and_then(|name| self.0.get(&name.to_cow().ok()?)).is_some()
    }

    fn __repr__(&self) -> &'static str {
        "<ciba.Answer>"
    }
}

impl Answer {
    fn member<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Ok(text) = name.cast::<PyString>() else {
            return Err(PyTypeError::new_err("the name of a member must be str"));
        };
        let Ok(text) = text.to_cow() else { return Ok(None) }; // no member has such a name
        self.0.get(&text).map(|value| loads(name.py(), &value.to_string())).transpose()
    }
}

/// JSON as Python objects, with every digit of its numbers.
pub fn loads<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOADS.import(py, "ciba._json", "loads")?.call1((json,))
}
