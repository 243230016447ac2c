//! Proxies: given or from the environment. https goes through a tunnel and nothing else does; what
//! the proxy refuses is told as the proxy's doing, and its password nowhere.

mod common;
mod sockets;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use ciba::{Client, Config, Status};
use ciba_sim::{Kind, Simulator, personality};
use common::Pair;
use sockets::{LONG, Server, acknowledged, config, engine, request, timed};

/// "user:p@ss wörd", as Basic sends it.
const CREDENTIALS: &str = "dXNlcjpwQHNzIHfDtnJk";
const PASSWORD: &str = "p@ss wörd";

/// What a proxy does with those who ask for a tunnel.
#[derive(Clone, Copy)]
enum Policy {
    Open,
    /// Wants the credentials above.
    Basic,
    Refuse(u16),
    Silent,
}

struct Proxy {
    server: Server,
    /// The head of each request.
    heads: Arc<Mutex<Vec<String>>>,
    /// All that went through the tunnels, towards the server.
    carried: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    fn new(policy: Policy) -> Proxy {
        let (heads, carried) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<u8>>>::default());
        let (seen, through) = (heads.clone(), carried.clone());
        let server = Server::new(move |mut client, _| {
            let Ok(Some(head)) = sockets::read_request(&mut client) else { return };
            seen.lock().unwrap().push(head.clone());
            let allowed = head
                .to_ascii_lowercase()
                .contains(&format!("proxy-authorization: basic {}\r\n", CREDENTIALS.to_ascii_lowercase()));
            let refusal = match policy {
                Policy::Open => None,
                Policy::Basic if allowed => None,
                Policy::Basic => Some(
                    "407 Who are you\r\nProxy-Authenticate: Negotiate\r\n\
                     Proxy-Authenticate: Basic realm=\"planted realm\""
                        .to_owned(),
                ),
                Policy::Refuse(status) => Some(format!("{status} No")),
                Policy::Silent => {
                    while client.read(&mut [0; 64]).is_ok_and(|n| n > 0) {}
                    return;
                }
            };
            if let Some(refusal) = refusal {
                let _ =
                    client.write_all(format!("HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n").as_bytes());
                let _ = client.shutdown(Shutdown::Both);
                return;
            }
            let target = head.split(' ').nth(1).unwrap_or_default();
            let Ok(mut server) = TcpStream::connect(target) else { return };
            client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let through = through.clone();
            thread::spawn(move || {
                let mut buffer = [0; 16 * 1024];
                while let Ok(n @ 1..) = from.read(&mut buffer) {
                    through.lock().unwrap().extend_from_slice(&buffer[..n]);
                    if to.write_all(&buffer[..n]).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(Shutdown::Write);
            });
            let _ = io::copy(&mut server, &mut client);
            let _ = client.shutdown(Shutdown::Write);
        });
        Proxy { server, heads, carried }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Settings for a proxy that wants credentials, in the order in which they are set.
fn with_credentials<'a>(url: &'a str, password: &'a str) -> [(&'a str, &'a str); 3] {
    [("proxy", url), ("proxy_username", "user"), ("proxy_password", password)]
}

#[test]
fn https_goes_through_one_tunnel_and_the_proxy_sees_nothing_of_it() {
    let pair = Pair::signaturgruppen();
    for (policy, settings) in
        [(Policy::Open, &["proxy"][..]), (Policy::Basic, &["proxy", "proxy_username", "proxy_password"])]
    {
        let proxy = Proxy::new(policy);
        let url = proxy.server.url();
        let all = with_credentials(&url, PASSWORD);
        let given: Vec<_> = all.into_iter().filter(|(name, _)| settings.contains(name)).collect();
        let client = pair.client_with(&given);
        let words = [("login_hint_token.referenceTextBody", "approve after 6 s")];
        let flow = client.init(&pair.request_with(&words), None).unwrap();
        assert_eq!(Pair::outcome(&flow), Status::OK);

        let heads = proxy.heads();
        assert_eq!(heads.len(), 1, "one tunnel for the whole sign-in: {heads:?}");
        let target = pair.provider.base_url().trim_start_matches("https://");
        assert!(heads[0].starts_with(&format!("CONNECT {target} HTTP/1.1\r\n")), "{heads:?}");
        assert_eq!(heads[0].contains(CREDENTIALS), matches!(policy, Policy::Basic), "the search finds it");
        let carried = proxy.carried.lock().unwrap();
        let text = format!("{heads:?}{}", String::from_utf8_lossy(&carried));
        assert!(carried.len() > 1_000 && !text.contains("auth_req_id") && !text.contains("/connect/"));
        assert!(!text.contains(&pair.provider.client_secret()[..20]));
        // And the provider sees nothing of the proxy.
        for entry in pair.provider.journal() {
            assert!(
                entry
                    .headers
                    .iter()
                    .all(|(name, value)| { !name.starts_with("proxy") && !value.contains(CREDENTIALS) })
            );
        }
        assert!(!format!("{:?}{client:?}{flow:?}", pair.config(&given)).contains(PASSWORD));
    }
}

#[test]
fn a_proxy_that_asks_for_credentials_is_named_with_the_schemes_that_it_offers() {
    let pair = Pair::signaturgruppen();
    let proxy = Proxy::new(Policy::Basic);
    let url = proxy.server.url();
    for settings in [&[("proxy", url.as_str())][..], &with_credentials(&url, "wrong-planted")] {
        let error = pair.client_with(settings).init(&pair.request(), None).unwrap_err();
        assert_eq!(error.status(), Status::PROXY_AUTHENTICATION_REQUIRED);
        assert_eq!(error.message(), "the proxy asks for credentials (407); it offers: Negotiate, Basic");
        assert!(!format!("{error:?}").contains("planted"));
    }
    assert!(
        proxy
            .heads()
            .iter()
            .any(|head| head.contains("Proxy-Authorization") || head.contains("proxy-authorization")),
        "they were tried"
    );
    assert!(pair.provider.lines().is_empty());
}

#[test]
fn a_proxy_that_does_not_lead_there_is_told_apart_from_a_provider_that_does_not_answer() {
    let pair = Pair::signaturgruppen();
    let gone = Proxy::new(Policy::Open).server.url();
    for (policy, says) in [
        (Some(Policy::Open), ""),
        (Some(Policy::Refuse(403)), "the proxy does not lead to 127.0.0.1: tunnel error"),
        (Some(Policy::Refuse(502)), "the proxy does not lead to 127.0.0.1: tunnel error"),
        (
            Some(Policy::Silent),
            "127.0.0.1 by the proxy 127.0.0.1 could not be reached: no connection in time",
        ),
        (None, "127.0.0.1 by the proxy 127.0.0.1 could not be reached: connection refused"),
    ] {
        let proxy = policy.map(Proxy::new);
        let url = proxy.as_ref().map_or(gone.clone(), |proxy| proxy.server.url());
        let timeout = if matches!(policy, Some(Policy::Silent)) { "300" } else { "10000" };
        let client = pair.client_with(&[("proxy", &url), ("connect_timeout_ms", timeout)]);
        pair.provider.clear_journal();
        let (took, started) = timed(|| client.init(&pair.request(), None).map(drop));
        assert!(took < LONG);
        match started {
            Ok(()) => assert!(says.is_empty()),
            Err(error) => {
                assert_eq!(error.status(), Status::PROXY_FAILED, "{error}");
                assert!(!says.is_empty() && error.message().starts_with(says), "{error}");
                assert!(pair.provider.lines().is_empty(), "nothing was sent");
            }
        }
    }
}

#[test]
fn a_proxy_that_is_down_for_a_while_is_waited_out_r48() {
    let pair = Pair::signaturgruppen();
    let proxy = Proxy::new(Policy::Open);
    let refusing = Proxy::new(Policy::Refuse(503));
    let client = pair.client_with(&[("proxy", &proxy.server.url())]);
    let flow = client.init(&pair.request(), None).unwrap();
    assert!(pair.provider.approve(&pair.provider.newest().unwrap()));
    drop(proxy);
    assert_eq!(Pair::outcome(&flow), Status::EXPIRED, "nothing was lost");
    assert_eq!(flow.last_trouble().map(|e| e.status()), Some(Status::PROXY_FAILED));
    assert_eq!(pair.provider.request_count(Kind::Poll), 0);
    assert!(refusing.heads().is_empty());
}

#[test]
fn exceptions_are_reached_without_the_proxy() {
    for (host, exceptions, tunnels) in [
        ("127.0.0.1", "", 1),
        ("127.0.0.1", "127.0.0.1", 0),
        ("127.0.0.1", "10.0.0.0/8, 127.0.0.0/8", 0),
        ("127.0.0.1", "*", 0),
        ("127.0.0.1", "10.0.0.0/8,example.com", 1),
        ("localhost", "localhost", 0),
        ("localhost", "other.example,LOCALHOST", 0),
        ("localhost", "127.0.0.1", 1), // a name is not its address
        ("localhost", "host", 1),
    ] {
        let pair = Pair::with(personality::signaturgruppen(), |config| config.host = host.into());
        let proxy = Proxy::new(Policy::Open);
        let settings = [("proxy", &*proxy.server.url()), ("proxy_exceptions", exceptions)];
        pair.client_with(&settings).init(&pair.request(), None).unwrap();
        assert_eq!(proxy.heads().len().min(1), tunnels, "{host} with {exceptions:?}");
    }
}

#[test]
fn http_to_this_machine_never_goes_through_a_proxy_r01() {
    let proxy = Proxy::new(Policy::Open);
    let server = Server::answering(|_, _| acknowledged(5));
    let engine = engine(common::lookup());
    let settings = [("proxy", &*proxy.server.url())];
    Client::new(&config(&engine, &server.url(), &settings)).unwrap().init(&request(), None).unwrap();
    assert_eq!((server.accepted().min(1), proxy.heads().len()), (1, 0), "the secret stays here");
}

#[test]
fn a_proxy_setting_that_cannot_be_used_is_refused_without_showing_it() {
    let unusable = "proxy: must be environment, none, or an http or https URL without user and password";
    for (settings, status, says) in [
        (&[("proxy", "http://user:planted@127.0.0.1:3128")][..], Status::INVALID_VALUE, unusable),
        (&[("proxy", "socks5://127.0.0.1:1080")], Status::INVALID_VALUE, unusable),
        (&[("proxy", "planted")], Status::INVALID_VALUE, unusable),
        (
            &[("proxy", "none"), ("proxy_password", "planted")],
            Status::CONFLICTING_SETTINGS,
            "proxy_password is given, but proxy is no URL",
        ),
    ] {
        let error = Client::new(&Pair::signaturgruppen().config(settings)).unwrap_err();
        assert_eq!((error.status(), error.message()), (status, says));
    }
}

/// Starts an authentication at the provider of the environment; a process of its own, since the
/// environment is the whole process's.
#[test]
#[ignore = "run by the_environment_names_a_proxy"]
fn child() {
    let var = |name: &str| std::env::var(format!("CHILD_{name}")).unwrap_or_default();
    let mut config = Config::new();
    for (name, value) in [
        ("issuer", var("ISSUER")),
        ("ca_certificates", var("CA")),
        ("client_id", var("ID")),
        ("client_secret", var("SECRET")),
        ("allow_http_loopback", "true".into()),
    ] {
        config.set(name, &value).unwrap();
    }
    let started = Client::new(&config).and_then(|client| client.init(&request(), None));
    println!("status: {}", started.map_or_else(|e| e.to_string(), |_| "started".into()));
}

/// What the child says with these variables in its environment, and no other proxy there.
fn child_with(provider: &Simulator, variables: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    child
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env("CHILD_ISSUER", provider.issuer())
        .env("CHILD_CA", provider.ca_pem().unwrap_or_default())
        .env("CHILD_ID", provider.client_id())
        .env("CHILD_SECRET", provider.client_secret())
        .envs(variables.iter().copied());
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    text.lines().find_map(|line| line.split_once("status: ")).unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[test]
fn the_environment_names_a_proxy() {
    let tls = Simulator::start(ciba_sim::Config::new(personality::generic()).tls());
    let plain = Simulator::start(ciba_sim::Config::new(personality::generic()));
    let proxy = Proxy::new(Policy::Basic);
    let open = format!("user:p%40ss%20w%C3%B6rd@127.0.0.1:{}", proxy.server.port);
    let url = format!("http://{open}");
    let gone = Proxy::new(Policy::Open).server.url();
    for (provider, variables, expected, tunnels) in [
        (&tls, &[][..], "started", 0),
        (&tls, &[("HTTPS_PROXY", url.as_str())], "started", 1),
        (&tls, &[("https_proxy", &url)], "started", 1),
        (&tls, &[("ALL_PROXY", &url)], "started", 1),
        (&tls, &[("all_proxy", &open)], "started", 1),
        (&tls, &[("HTTPS_PROXY", &url), ("ALL_PROXY", &gone)], "started", 1),
        (&tls, &[("HTTPS_PROXY", &url), ("NO_PROXY", "127.0.0.1")], "started", 0),
        (&tls, &[("HTTPS_PROXY", &url), ("no_proxy", "example.com")], "started", 1),
        (&tls, &[("HTTPS_PROXY", "")], "started", 0),
        (&tls, &[("HTTP_PROXY", &gone)], "started", 0), // for http alone
        (&plain, &[("HTTP_PROXY", &url), ("ALL_PROXY", &url)], "started", 0), // and that is this machine's
        (
            &tls,
            &[("HTTPS_PROXY", &gone)],
            "the provider's metadata could not be fetched: 127.0.0.1 by the proxy 127.0.0.1 could not be \
             reached: connection refused",
            0,
        ),
        (
            &tls,
            &[("ALL_PROXY", "socks5://user:planted@127.0.0.1:1")],
            "proxy: ALL_PROXY in the environment is no http or https URL; proxy=none ignores it",
            0,
        ),
    ] {
        proxy.heads.lock().unwrap().clear();
        assert_eq!(child_with(provider, variables), expected, "{variables:?}");
        assert_eq!(proxy.heads().len().min(1), tunnels, "{variables:?}");
    }
}
