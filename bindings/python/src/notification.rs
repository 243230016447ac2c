//! `ciba.Notification`.

use ciba::NotificationKind;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// What became of a request to the client's notification endpoint, see ``Client.deliver_notification``.
#[pyclass(module = "ciba", frozen)]
pub struct Notification(pub ciba::Notification);

#[pymethods]
impl Notification {
    /// ``Status.OK``: it was delivered. ``NOTIFICATION_UNKNOWN_FLOW``: forward it to the process that has
    /// the flow, or resume that here and deliver it again. Anything else: it is not the provider's, or not
    /// as it must be.
    #[getter]
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static STATUS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        STATUS.import(py, "ciba._status", "Status")?.call1((self.0.status().number(),))
    }

    /// The HTTP status to answer, always, without a body.
    #[getter]
    fn http_status(&self) -> u16 {
        self.0.http_status()
    }

    /// What it says: ``"ping"``, ``"tokens"`` or ``"error"``; ``None`` where it has not the form of a
    /// notification.
    #[getter]
    fn kind(&self) -> Option<&'static str> {
        self.0.kind().map(name)
    }

    /// The identifier of the request that it is for; ``None`` where it has not the form of a notification.
    /// Confidential; not to be trusted unless ``status`` is ``OK``.
    #[getter]
    fn auth_req_id(&self) -> Option<&str> {
        self.0.auth_req_id()
    }

    fn __repr__(&self) -> String {
        let kind = self.0.kind().map_or("no notification", name);
        format!("<ciba.Notification, {kind}, {}>", self.0.status().name())
    }
}

fn name(kind: NotificationKind) -> &'static str {
    match kind {
        NotificationKind::Ping => "ping",
        NotificationKind::Tokens => "tokens",
        NotificationKind::Error => "error",
    }
}
