//! Keys that cannot leave their store: a signer of the program's own signs, on threads that are inside a call.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
    RsaKeyPair,
};
use ciba::{Client, Config, ExternalSigner, Flow, FlowSet, SigningInput, Status, TokenKind};
use ciba_sim::Kind;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use crate::common::{Pair, eventually};
use crate::{CLIENT_ID, claims, generic, of_kind, parts, pem};

const NOW: Option<Duration> = Some(Duration::ZERO);
const DISCOVERED: &str = "0 GET /.well-known/openid-configuration -> 200 discovery";

pub(crate) type Signature = Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;

/// The store of the keys: what a smart card would do, in software.
pub(crate) fn sign(input: &SigningInput<'_>) -> Signature {
    let random = SystemRandom::new();
    let der = |pem: &str| PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let rsa = |encoding: &'static dyn RsaEncoding| {
        let pair = RsaKeyPair::from_pkcs8(der(pem!("rsa_pkcs8")).secret_der()).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &random, input.bytes, &mut signature).unwrap();
        signature
    };
    let ecdsa = |algorithm: &'static EcdsaSigningAlgorithm, pem: &str| {
        let pair = EcdsaKeyPair::from_private_key_der(algorithm, der(pem).secret_der()).unwrap();
        pair.sign(&random, input.bytes).unwrap().as_ref().to_vec()
    };
    Ok(match input.algorithm {
        "RS256" => rsa(&RSA_PKCS1_SHA256),
        "PS256" => rsa(&RSA_PSS_SHA256),
        "ES256" => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, pem!("p256_sec1")),
        "ES384" => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING, pem!("p384_sec1")),
        "ES512" => ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING, pem!("p521_pkcs8")),
        "EdDSA" => {
            let pair = Ed25519KeyPair::from_pkcs8(der(pem!("ed25519")).secret_der()).unwrap();
            pair.sign(input.bytes).as_ref().to_vec()
        }
        other => return Err(format!("no key for {other}").into()),
    })
}

/// A signer that notes which thread it is called by.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<Vec<ThreadId>>>);

impl Noting {
    fn threads(&self) -> Vec<ThreadId> {
        self.0.lock().unwrap().clone()
    }
}

impl ExternalSigner for Noting {
    fn sign(&self, input: &SigningInput<'_>) -> Signature {
        self.0.lock().unwrap().push(thread::current().id());
        sign(input)
    }
}

/// A provider where assertions and requests are signed with this algorithm and no other.
fn provider(algorithm: &str) -> Pair {
    generic(|client| {
        client.token_endpoint_auth_method = Some("private_key_jwt".into());
        client.token_endpoint_auth_signing_alg = Some(algorithm.into());
    })
}

fn config(pair: &Pair, algorithm: &str, key_id: &str) -> Config {
    pair.config(&[
        ("client_id", CLIENT_ID),
        ("client_secret", ""),
        ("token_endpoint_auth_method", "private_key_jwt"),
        ("token_endpoint_auth_signing_alg", algorithm),
        ("client_key_id", key_id),
    ])
}

fn client(pair: &Pair, signer: impl ExternalSigner + 'static) -> Client {
    Client::new(config(pair, "ES256", "p256").set_signer(Arc::new(signer))).unwrap()
}

fn begun(pair: &Pair, client: &Client, phrase: &str) -> Flow {
    client.begin(&pair.request_with(&[("binding_message", phrase)])).unwrap()
}

/// A signer that tells when it is inside, and waits to be let out.
fn waiting() -> (impl ExternalSigner + 'static, Receiver<()>, Sender<()>) {
    let ((enter, entered), (let_out, out)) = (channel(), channel::<()>());
    let (enter, out) = (Mutex::new(enter), Mutex::new(out));
    let signer = move |input: &SigningInput<'_>| {
        enter.lock().unwrap().send(())?;
        out.lock().unwrap().recv()?;
        sign(input)
    };
    (signer, entered, let_out)
}

fn patience() -> Duration {
    Duration::from_secs(20)
}

#[test]
fn with_every_kind_of_key_a_signer_signs_whole_flows_on_the_thread_that_waits_r20_r51() {
    for (algorithm, key_id) in [
        ("RS256", "rsa"),
        ("PS256", "rsa"),
        ("ES256", "p256"),
        ("ES384", "p384"),
        ("ES512", "p521"),
        ("EdDSA", "ed25519"),
    ] {
        let pair = generic(|client| {
            client.token_endpoint_auth_method = Some("private_key_jwt".into());
            client.token_endpoint_auth_signing_alg = Some(algorithm.into());
            client.backchannel_authentication_request_signing_alg = Some(algorithm.into());
        });
        let signer = Noting::default();
        let mut config = config(&pair, algorithm, key_id);
        config.set("backchannel_authentication_request_signing_alg", algorithm).unwrap();
        let client = Client::new(config.set_signer(Arc::new(signer.clone()))).unwrap();
        let request = pair.request_with(&[("binding_message", "approve after 7 s")]);
        let flow = client.init(&request, None).unwrap();
        assert!(flow.poll(None).unwrap().is_some(), "{algorithm}");
        // Two for the start, one for each poll; each by the thread that waits.
        assert_eq!(signer.threads(), vec![thread::current().id(); 4], "{algorithm}");
        pair.assert_polls_then_silence(&flow, &["5200 400 authorization_pending", "10400 200 tokens"]);
        for entry in of_kind(&pair, Kind::Poll) {
            let (header, _) = parts(&entry.param("client_assertion").unwrap());
            assert_eq!(header, format!(r#"{{"alg":"{algorithm}","kid":"{key_id}"}}"#));
        }
    }
}

#[test]
fn with_nobody_inside_a_call_nothing_is_signed_and_nothing_sent() {
    let pair = provider("ES256");
    let signer = Noting::default();
    let client = client(&pair, signer.clone());
    let flow = begun(&pair, &client, "approve after 1 s");
    pair.await_answers(1);
    pair.settle();
    assert_eq!((signer.threads().len(), pair.provider.lines()), (0, vec![DISCOVERED.to_owned()]));

    // A call that does not wait signs what the one before it has begun.
    eventually("the start", || flow.wait_started(NOW).unwrap());
    assert_eq!(signer.threads(), [thread::current().id()]);
    eventually("keys", || pair.provider.lines().len() == 3);
    pair.time.advance(5_200);
    assert!(flow.poll(NOW).unwrap().is_none());
    pair.settle();
    assert_eq!(pair.provider.lines().len(), 3, "the poll waits to be signed");

    // It is signed as of now, however long ago it was wanted.
    pair.time.advance(90_000);
    let now = pair.time.unix_ms() / 1000;
    eventually("the tokens", || flow.poll(NOW).unwrap().is_some());
    let polls = of_kind(&pair, Kind::Poll);
    assert_eq!(polls.len(), 1);
    let assertion = claims(&polls[0].param("client_assertion").unwrap());
    assert_eq!(assertion["iat"], now);
    pair.assert_polls_then_silence(&flow, &["95200 200 tokens"]);
}

#[test]
fn a_signer_that_takes_its_time_delays_no_other_flow() {
    let pair = provider("ES256");
    let (signer, entered, let_out) = waiting();
    let slow_client = client(&pair, signer);
    let slow = begun(&pair, &slow_client, "approve after 1 s");
    let quick_client = client(&pair, sign as fn(&SigningInput<'_>) -> Signature);
    thread::scope(|scope| {
        let waits = scope.spawn(|| slow.poll(None).map(|tokens| tokens.is_some()));
        entered.recv_timeout(patience()).unwrap();
        // Meanwhile a whole sign-in of another flow of the same engine.
        let quick = begun(&pair, &quick_client, "approve after 1 s");
        assert!(quick.wait_started(None).unwrap());
        pair.time.advance(5_200);
        assert!(quick.poll(Some(patience())).unwrap().is_some());
        assert_eq!(slow.progress().stage, ciba::ProgressStage::Starting);
        for _ in 0..2 {
            let_out.send(()).unwrap();
        }
        assert!(waits.join().unwrap().unwrap());
    });
}

#[test]
fn a_start_that_the_signer_fails_fails_before_anything_is_sent() {
    type Failing = fn(&SigningInput<'_>) -> Signature;
    let failing: [(Failing, &str); 4] = [
        (|_| Err("the card was drawn".into()), "the signer failed: the card was drawn"),
        (|_| Ok(vec![0; 71]), "not DER"), // as OpenSSL gives it
        (|_| Ok(Vec::new()), "the signer gave 0 bytes"),
        (|_| panic!("planted"), "the signer panicked"),
    ];
    for (signer, says) in failing {
        let pair = provider("ES256");
        let flow = begun(&pair, &client(&pair, signer), "approve after 1 s");
        let error = flow.wait_started(None).unwrap_err();
        assert_eq!(error.status(), Status::SIGNER_FAILED);
        assert!(error.message().contains(says), "{error}");
        assert_eq!(flow.outcome(), Status::FAILED);
        pair.assert_requests_then_silence(&flow, &[DISCOVERED]);
    }
}

#[test]
fn a_poll_that_the_signer_fails_is_tried_again_at_the_next_interval_r48() {
    for (fails, polls) in [(1, &["10000 200 tokens"][..]), (u32::MAX, &[])] {
        let pair = provider("ES256");
        let calls = AtomicU32::new(0);
        let signer = move |input: &SigningInput<'_>| match calls.fetch_add(1, Ordering::Relaxed) {
            call if (1..=fails).contains(&call) => Err("no answer from the HSM".into()),
            _ => sign(input),
        };
        let client = client(&pair, signer);
        let request =
            pair.request_with(&[("binding_message", "approve after 1 s"), ("requested_expiry", "60")]);
        let flow = client.init(&request, None).unwrap();
        let outcome = Pair::outcome(&flow);
        assert_eq!(outcome, if polls.is_empty() { Status::EXPIRED } else { Status::OK });
        let trouble =
            pair.events.lines().iter().filter(|line| line.contains("no answer from the HSM")).count();
        assert!(trouble >= 1);
        let sent: Vec<String> = of_kind(&pair, Kind::Poll).iter().map(|entry| entry.line()).collect();
        assert_eq!(sent.len(), polls.len(), "{sent:?}");
    }
}

#[test]
fn a_flow_that_is_cancelled_while_it_is_signed_for_sends_nothing() {
    let pair = provider("ES256");
    let (signer, entered, let_out) = waiting();
    let client = client(&pair, signer);
    let flow = begun(&pair, &client, "approve after 1 s");
    thread::scope(|scope| {
        let waits = scope.spawn(|| flow.wait_started(None));
        entered.recv_timeout(patience()).unwrap();
        assert!(flow.cancel(None).unwrap());
        assert_eq!(flow.outcome(), Status::CANCELLED, "at once, with the signer still at it");
        let_out.send(()).unwrap();
        assert_eq!(waits.join().unwrap().unwrap_err().status(), Status::CANCELLED);
    });
    pair.assert_requests_then_silence(&flow, &[DISCOVERED]);

    // What was wanted is wanted no more.
    let set = FlowSet::new(&client).unwrap();
    let other = begun(&pair, &client, "approve after 1 s");
    set.add(&other, ()).unwrap();
    pair.settle(); // by now a signature is wanted
    other.cancel(NOW).unwrap();
    assert_eq!(other.wait_started(NOW).unwrap_err().status(), Status::CANCELLED);
    assert_eq!(set.wait(None).unwrap(), Some(()));
    assert!(entered.try_recv().is_err(), "a cancel signs nothing");
}

#[test]
fn the_thread_that_waits_for_a_set_signs_for_its_members_r41() {
    let pair = provider("ES256");
    let signer = Noting::default();
    let client = client(&pair, signer.clone());
    let set = FlowSet::new(&client).unwrap();
    // Begun, and not waited for: the set does all of it.
    let flows: Vec<Flow> = (0..3).map(|_| begun(&pair, &client, "approve after 1 s")).collect();
    for (at, flow) in flows.iter().enumerate() {
        set.add(flow, at).unwrap();
    }
    let mut told: Vec<usize> = (0..3).map(|_| set.wait(None).unwrap().unwrap()).collect();
    told.sort_unstable();
    assert_eq!(told, [0, 1, 2]);
    assert!(flows.iter().all(|flow| flow.outcome() == Status::OK));
    assert_eq!(signer.threads(), vec![thread::current().id(); 6]);
}

#[test]
fn a_member_of_a_set_that_is_signed_for_delays_none_that_needs_no_signature() {
    let pair = provider("ES256");
    let (signer, entered, let_out) = waiting();
    let slow_client = client(&pair, signer);
    let mut with_key = config(&pair, "ES256", "p256");
    let quick_client = Client::new(with_key.set("client_private_key", pem!("p256_sec1")).unwrap()).unwrap();
    let (quick, slow) =
        (begun(&pair, &quick_client, "approve after 1 s"), begun(&pair, &slow_client, "wait"));
    assert!(quick.wait_started(None).unwrap());
    let set = FlowSet::new(&slow_client).unwrap();
    set.add(&quick, "quick").unwrap();
    set.add(&slow, "slow").unwrap();
    thread::scope(|scope| {
        let waits = scope.spawn(|| set.wait(None).unwrap());
        entered.recv_timeout(patience()).unwrap();
        pair.time.advance(5_200);
        eventually("tokens", || quick.outcome() == Status::OK);
        assert_eq!(slow.progress().stage, ciba::ProgressStage::Starting, "the one thread is still signing");
        let_out.send(()).unwrap();
        assert_eq!(waits.join().unwrap(), Some("quick"));
    });
    assert_eq!(of_kind(&pair, Kind::Poll).iter().map(|entry| entry.at_ms).collect::<Vec<_>>(), [5_200]);
}

#[test]
fn threads_that_wait_for_one_set_sign_side_by_side() {
    const THREADS: usize = 3;
    let pair = provider("ES256");
    // Each signature waits until all three are being made.
    let together = Arc::new(std::sync::Barrier::new(THREADS));
    let signer = Noting::default();
    let noted = signer.clone();
    let client = client(&pair, move |input: &SigningInput<'_>| {
        together.wait();
        noted.sign(input)
    });
    let set = FlowSet::new(&client).unwrap();
    let flows: Vec<Flow> = (0..THREADS).map(|_| begun(&pair, &client, "approve after 1 s")).collect();
    for (at, flow) in flows.iter().enumerate() {
        set.add(flow, at).unwrap();
    }
    let mut told: Vec<usize> = thread::scope(|scope| {
        let waits: Vec<_> = flows.iter().map(|_| scope.spawn(|| set.wait(None).unwrap().unwrap())).collect();
        waits.into_iter().map(|waits| waits.join().unwrap()).collect()
    });
    told.sort_unstable();
    assert_eq!(told, [0, 1, 2]);
    let threads: std::collections::HashSet<ThreadId> = signer.threads().into_iter().collect();
    assert_eq!((threads.len(), signer.threads().len()), (THREADS, 2 * THREADS));
}

#[cfg(unix)]
#[test]
fn a_sets_descriptor_is_readable_while_something_is_to_be_signed() {
    let pair = provider("ES256");
    let signer = Noting::default();
    let client = client(&pair, signer.clone());
    let set = FlowSet::new(&client).unwrap();
    let readable = || {
        let mut fds = [rustix::event::PollFd::from_borrowed_fd(
            set.descriptor().unwrap(),
            rustix::event::PollFlags::IN,
        )];
        rustix::event::poll(&mut fds, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
    };
    assert!(!readable());
    let flow = begun(&pair, &client, "approve after 1 s");
    set.add(&flow, ()).unwrap();
    eventually("readable", readable);
    assert_eq!(set.wait(NOW).unwrap(), None, "nothing to tell of, but a signature");
    assert_eq!(signer.threads().len(), 1);
    assert!(!readable());
    eventually("acknowledged", || flow.interval().is_some());
    pair.time.advance(5_200);
    eventually("readable", readable);
    eventually("the outcome", || set.wait(NOW).unwrap().is_some());
    assert_eq!((signer.threads().len(), flow.outcome()), (2, Status::OK));

    // One that leaves the set with something to sign takes that along.
    let other = begun(&pair, &client, "approve after 1 s");
    set.add(&other, ()).unwrap();
    eventually("readable", readable);
    set.remove(&other).unwrap().unwrap();
    assert!(!readable());
    assert!(other.wait_started(None).unwrap());
}

#[test]
fn what_follows_the_tokens_is_signed_by_the_thread_that_asks() {
    let pair = provider("ES256");
    let signer = Noting::default();
    let client = client(&pair, signer.clone());
    let request =
        pair.request_with(&[("binding_message", "approve after 1 s"), ("scope", "openid offline_access")]);
    let tokens = client.init(&request, None).unwrap().poll(None).unwrap().unwrap();
    pair.provider.clear_journal();
    assert_eq!(signer.threads().len(), 2);
    assert!(client.refresh(&tokens, NOW).unwrap().is_none());
    // Where the engine was quick that call itself has signed; what nobody signed is not sent.
    let signed = signer.threads().len() - 2;
    eventually("what is signed is sent", || pair.provider.lines().len() == signed);
    pair.settle();
    assert_eq!(pair.provider.lines().len(), signed, "nobody is inside a call");
    let fresh = client.refresh(&tokens, None).unwrap().unwrap();
    assert!(client.introspect(&fresh, TokenKind::AccessToken, None).unwrap().is_some());
    assert!(client.revoke(&fresh, TokenKind::RefreshToken, None).unwrap());
    assert_eq!(signer.threads(), vec![thread::current().id(); 5]);
    assert_eq!(pair.provider.lines().len(), 3);
}

#[test]
fn a_signer_stands_in_for_the_private_key_and_for_nothing_else() {
    let pair = provider("ES256");
    let refused = |change: &dyn Fn(&mut Config)| {
        let mut config = config(&pair, "ES256", "p256");
        config.set_signer(Arc::new(sign as fn(&SigningInput<'_>) -> Signature));
        assert!(Client::new(&config).is_ok(), "the good twin");
        change(&mut config);
        Client::new(&config).unwrap_err()
    };
    let error = refused(&|config| assert!(config.set("client_private_key", pem!("p256_sec1")).is_ok()));
    assert_eq!(error.status(), Status::CONFLICTING_SETTINGS, "{error}");
    let error = refused(&|config| assert!(config.set("token_endpoint_auth_signing_alg", "").is_ok()));
    assert_eq!(error.status(), Status::MISSING_SETTING, "{error}");
    assert!(error.message().contains("token_endpoint_auth_signing_alg"), "{error}");
    let error = refused(&|config| assert!(config.set("token_endpoint_auth_signing_alg", "HS256").is_ok()));
    assert_eq!(error.status(), Status::CONFLICTING_SETTINGS, "{error}");
}
