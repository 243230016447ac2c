//! What programs hold of a flow.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::Timeout;
use super::flow::FlowShared;
use super::inner::Watcher;
use crate::error::{Error, Result, Status};
use crate::tokens::Tokens;

/// How far a flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum ProgressStage {
    /// The authentication request is on its way.
    Starting = 1,
    /// The person is being asked.
    Pending = 2,
    /// The person has approved; the tokens are being verified.
    Verifying = 3,
    /// The flow has its outcome.
    Ended = 4,
}

/// Where a flow stands, for display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How far it is.
    pub stage: ProgressStage,
    /// How long the request still lives; `None` before the acknowledgement and after the outcome.
    pub expires_in: Option<Duration>,
    /// When the next poll is due, zero while an exchange is under way; `None` if there is none.
    pub next_poll_in: Option<Duration>,
    /// How many token requests have been answered, or lost.
    pub polls: u64,
    /// Whether an [`crate::ExternalSigner`] is to sign: a call that does not wait has it sign as well.
    pub signature_wanted: bool,
}

/// Told how a flow stands; the answer says whether the call that waits is to go on.
pub(super) type WhileWaiting = Arc<dyn Fn(&Progress) -> ControlFlow<()> + Send + Sync>;

/// One authentication under way. It may be used from any thread; dropping it sends nothing.
pub struct Flow(pub(crate) Arc<FlowShared>);

impl Flow {
    /// Waits for the provider's acknowledgement. `Ok(false)`: not here yet.
    ///
    /// Errors: those of [`super::Client::init`], or `CANCELLED`.
    pub fn wait_started(&self, timeout: Timeout) -> Result<bool> {
        self.0.wait_started(timeout)
    }

    /// Waits for the outcome and asks the provider whenever a poll is due. `Ok(None)`: not decided
    /// within the timeout; nothing is lost, ask again. With a timeout of zero a due poll is sent and
    /// its answer collected by a later call.
    ///
    /// Errors: the outcome, the same on every later call: `DENIED`, `EXPIRED`, `CANCELLED`,
    /// `UNKNOWN`, or the reason of a failure.
    pub fn poll(&self, timeout: Timeout) -> Result<Option<Tokens>> {
        self.0.poll(timeout)
    }

    /// Makes the one exchange that is due, if one is, and waits for its answer; never sleeps
    /// towards a due time. `Ok(None)`: not decided.
    ///
    /// Errors: as [`Flow::poll`].
    pub fn step(&self, timeout: Timeout) -> Result<Option<Tokens>> {
        self.0.step(timeout)
    }

    /// Gives the authentication up: its outcome is *cancelled* at once, and who waits for it wakes.
    /// Then waits at most so long for the provider's own cancel call, where it has one; `Ok(false)`:
    /// the call goes on in the background. A flow that has ended stays as it ended.
    ///
    /// Errors: why the provider's cancel call failed; the outcome is *cancelled* all the same.
    pub fn cancel(&self, timeout: Timeout) -> Result<bool> {
        self.0.cancel(timeout)
    }

    /// The class of the outcome: `OK`, `DENIED`, `EXPIRED`, `CANCELLED`, `HANDED_OVER`, `FAILED`,
    /// `UNKNOWN`, or `PENDING` while there is none. `OTHER_PROCESS` in a child made by fork.
    pub fn outcome(&self) -> Status {
        self.0.outcome()
    }

    /// The verified tokens.
    ///
    /// Errors: `NO_TOKENS`.
    pub fn tokens(&self) -> Result<Tokens> {
        self.0.tokens()
    }

    /// The provider's identifier of the request, once it is acknowledged. Confidential.
    pub fn auth_req_id(&self) -> Option<SecretString> {
        self.0.auth_req_id()
    }

    /// The whole acknowledgement as JSON, as it came. Confidential.
    pub fn acknowledgement(&self) -> Option<SecretString> {
        self.0.acknowledgement()
    }

    /// The text that the person compares on the phone, or is told: that of the request, or one that the
    /// provider has made. It is there from the beginning; one that the provider makes before the start
    /// (TelenorID+ BankID) before the phone rings, another one (Idura) with the acknowledgement.
    pub fn binding_message(&self) -> Option<String> {
        self.0.binding_message().map(|text| text.expose_secret().to_owned())
    }

    /// A link that the person opens to be asked, shown as it is or as a QR code: at providers that ask in
    /// a browser (Signaturgruppen CIBA + PAR), once the request is acknowledged.
    pub fn authentication_uri(&self) -> Option<String> {
        self.0.authentication_uri().map(|uri| uri.expose_secret().to_owned())
    }

    /// The caller's own text, which stands in every log event of the flow.
    pub fn correlation(&self) -> &str {
        self.0.correlation()
    }

    /// When the authentication request was made, in Unix milliseconds.
    pub fn started_at(&self) -> i64 {
        self.0.started_at()
    }

    /// When the request expires, in Unix milliseconds, once it is acknowledged.
    pub fn expires_at(&self) -> Option<i64> {
        self.0.expires_at()
    }

    /// When the next poll is due, in Unix milliseconds; `None` if there is none.
    pub fn next_poll_at(&self) -> Option<i64> {
        self.0.next_poll_at()
    }

    /// The interval between polls that is in force, once the request is acknowledged.
    pub fn interval(&self) -> Option<Duration> {
        self.0.interval()
    }

    /// The trouble that is being waited out, or was waited out last.
    pub fn last_trouble(&self) -> Option<Error> {
        self.0.last_trouble()
    }

    /// Whether an exchange is under way: the start, a token request, or fetching keys for tokens.
    pub fn is_asking(&self) -> bool {
        self.0.is_asking()
    }

    /// Where the flow stands.
    pub fn progress(&self) -> Progress {
        let idle = Progress {
            stage: ProgressStage::Ended,
            expires_in: None,
            next_poll_in: None,
            polls: 0,
            signature_wanted: false,
        };
        self.0.progress().unwrap_or(idle)
    }

    /// Has `callback` called by threads that wait in a call of this flow: when something has changed
    /// and about once a second. Should it panic, the call that it was called by ends so; the flow and
    /// who else waits for it go on.
    pub fn on_progress(&self, callback: impl Fn(&Progress) + Send + Sync + 'static) -> Result<()> {
        self.0.on_progress(Some(Arc::new(move |progress: &Progress| {
            callback(progress);
            ControlFlow::Continue(())
        })))
    }

    /// Waits without a thread: as long as the [`Watch`] lives the provider is asked whenever a poll
    /// is due, and `changed` is called when the acknowledgement has come, after each exchange, when an
    /// [`crate::ExternalSigner`] is to sign (a call with a timeout of zero then has it sign), at the outcome, and when the provider has answered a cancel call. For event loops.
    ///
    /// What was there before is not told: look with a call whose timeout is zero, once, afterwards.
    /// `changed` runs on the engine's thread, or on one that is inside a call of this flow. It must be
    /// quick, and must make no call that may wait. Should it panic, nothing else comes of that.
    ///
    /// Errors: `OTHER_PROCESS`.
    pub fn watch(&self, changed: impl Fn(&Progress) + Send + Sync + 'static) -> Result<Watch> {
        let watcher: Arc<dyn Watcher> = Arc::new(changed);
        self.0.watch(watcher.clone(), 0)?;
        Ok(Watch { flow: self.0.clone(), watcher })
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("outcome", &self.outcome()).finish_non_exhaustive()
    }
}

/// A wait without a thread, see [`Flow::watch`]. Dropping it ends the wait.
#[must_use = "dropping it ends the wait"]
pub struct Watch {
    flow: Arc<FlowShared>,
    watcher: Arc<dyn Watcher>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.flow.unwatch(&self.watcher);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl<F: Fn(&Progress) + Send + Sync> Watcher for F {
    fn changed(&self, _: &FlowShared, progress: &Progress) {
        self(progress);
    }
}
