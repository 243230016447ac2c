//! Signatures by a Python callable, with a key that the library never sees.

use ciba::{ExternalSigner, SigningInput};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::callback::Callback;

/// A callable that takes the bytes, the algorithm and the key's id, and returns the signature.
pub struct PythonSigner(Callback);

impl PythonSigner {
    pub fn new(callable: Bound<'_, PyAny>) -> PythonSigner {
        PythonSigner(Callback::new(callable))
    }
}

impl ExternalSigner for PythonSigner {
    fn sign(&self, input: &SigningInput<'_>) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let arguments = |py: Python<'_>| {
            Ok((PyBytes::new(py, input.bytes).unbind(), input.algorithm, input.key_id.map(str::to_owned)))
        };
        let bytes = |returned: &Bound<'_, PyAny>| Ok(returned.cast::<PyBytes>()?.as_bytes().to_vec());
        match self.0.ask(arguments, bytes) {
            Some(signed) => signed.map_err(|thrown| format!("it raised {thrown}").into()),
            None => Err("the interpreter is shutting down".into()),
        }
    }
}
