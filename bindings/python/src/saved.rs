//! `ciba.SavedFlow`.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// A flow that was saved: ``bytes(saved)`` is what a store keeps for ``Client.resume``. Confidential: whoever has it and
/// the client's settings can go on with the flow.
#[pyclass(module = "ciba", frozen)]
pub struct SavedFlow(pub ciba::SavedFlow);

#[pymethods]
impl SavedFlow {
    pub fn __bytes__<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_bytes())
    }

    /// How often the flow was saved, in this process and before: each save has a higher number, for a
    /// store that replaces only what is older.
    #[getter]
    fn revision(&self) -> u32 {
        self.0.revision()
    }

    fn __repr__(&self) -> String {
        format!("<ciba.SavedFlow, revision {}>", self.0.revision())
    }
}
