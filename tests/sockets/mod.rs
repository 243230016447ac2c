//! Real sockets: servers that behave badly, a relay that counts and delays connections, and an
//! engine in real time.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ciba::{AuthenticationRequest, Client, Config, Engine, Lookup, SystemClock};

use crate::common::Pair;

/// Detects hangs, no more: the machine may be busy.
pub const LONG: Duration = Duration::from_secs(20);

/// How long something took, and what it returned.
pub fn timed<T>(what: impl FnOnce() -> T) -> (Duration, T) {
    let begun = Instant::now();
    let result = what();
    (begun.elapsed(), result)
}

pub fn ms(ms: u64) -> Option<Duration> {
    Some(Duration::from_millis(ms))
}

/// The pair's client, with every endpoint behind the relay.
pub fn relayed(pair: &Pair, relay: &Relay, settings: &[(&str, &str)]) -> Client {
    let base = format!("https://127.0.0.1:{}/op", relay.server.port);
    let mut config = pair.config(settings);
    for (name, path) in [
        ("backchannel_authentication_endpoint", "/connect/ciba"),
        ("token_endpoint", "/connect/token"),
        ("jwks_uri", "/.well-known/openid-configuration/jwks"),
        ("cancel_endpoint", "/api/v1/ciba/{auth_req_id}"),
    ] {
        config.set(name, &format!("{base}{path}")).unwrap();
    }
    Client::new(&config).unwrap()
}

/// An engine with the clocks of the system.
pub fn engine(lookup: Lookup) -> Engine {
    Engine::start(Arc::new(SystemClock), lookup).unwrap()
}

/// Settings of a client whose provider is at this URL, with these beside them.
pub fn config(engine: &Engine, issuer: &str, settings: &[(&str, &str)]) -> Config {
    let mut config = Config::new();
    for (name, path) in [
        ("issuer", ""),
        ("backchannel_authentication_endpoint", "/start"),
        ("token_endpoint", "/token"),
        ("jwks_uri", "/jwks"),
    ] {
        config.set(name, &format!("{issuer}{path}")).unwrap();
    }
    let needed = [
        ("client_id", "me"),
        ("client_secret", "s3cret"),
        ("allow_http_loopback", "true"),
        ("proxy", "none"),
    ];
    for (name, value) in needed.iter().chain(settings) {
        config.set(name, value).unwrap();
    }
    config.set_engine(engine.clone());
    config
}

pub fn request() -> AuthenticationRequest {
    let mut request = AuthenticationRequest::new();
    request.set("login_hint", "alice").unwrap();
    request
}

/// An HTTP answer as bytes.
pub fn answer(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

/// An acknowledgement.
pub fn acknowledged(interval: u64) -> Vec<u8> {
    let body = format!(r#"{{"auth_req_id":"a1","expires_in":120,"interval":{interval}}}"#);
    answer(200, "", &body)
}

pub fn pending() -> Vec<u8> {
    answer(400, "", r#"{"error":"authorization_pending"}"#)
}

/// Accepts connections on a thread for each until it is dropped.
pub struct Server {
    pub port: u16,
    accepted: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// `serve`: what is done with a connection, and its number, counted from 1.
    pub fn new(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut server = Server {
            port: listener.local_addr().unwrap().port(),
            accepted: Arc::default(),
            closed: Arc::default(),
            streams: Arc::default(),
            thread: None,
        };
        let (accepted, closed) = (server.accepted.clone(), server.closed.clone());
        let (streams, serve) = (server.streams.clone(), Arc::new(serve));
        server.thread = Some(thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                streams.lock().unwrap().push(stream.try_clone().unwrap());
                let number = accepted.fetch_add(1, Ordering::SeqCst) + 1;
                let serve = serve.clone();
                thread::spawn(move || serve(stream, number));
            }
        }));
        server
    }

    /// Accepts and never says anything.
    pub fn silent() -> Server {
        Server::new(|mut stream, _| while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {})
    }

    /// Answers each request as `answer` says: given its bytes and the number of its connection. An
    /// empty answer closes the connection.
    pub fn answering(answer: impl Fn(&str, usize) -> Vec<u8> + Send + Sync + 'static) -> Server {
        Server::new(move |mut stream, number| {
            while let Ok(Some(request)) = read_request(&mut stream) {
                let answer = answer(&request, number);
                if answer.is_empty() || stream.write_all(&answer).is_err() {
                    break;
                }
            }
            let _ = stream.shutdown(Shutdown::Both);
        })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many connections have been made.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Closes all connections from this end.
    pub fn close_all(&self) {
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)); // wakes the thread that accepts
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.close_all();
    }
}

/// One request, head and body; nothing where the connection ends before.
pub fn read_request(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Ok(Some(text));
            }
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(None),
            n => read.extend_from_slice(&buffer[..n]),
        }
    }
}

/// Carries connections to a server; connections that are delayed stay silent until let through.
pub struct Relay {
    pub server: Server,
    gate: Arc<AtomicBool>,
    hellos: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Relay {
    /// To this URL's port on this machine.
    pub fn to(url: &str) -> Relay {
        let port: u16 = url.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
        let (gate, hellos) = (Arc::new(AtomicBool::new(true)), Arc::<Mutex<Vec<Vec<u8>>>>::default());
        let (open, seen) = (gate.clone(), hellos.clone());
        let server = Server::new(move |mut client, _| {
            while !open.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(2));
            }
            let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let seen = seen.clone();
            thread::spawn(move || {
                let mut hello = [0; 16 * 1024];
                let n = from.read(&mut hello).unwrap_or(0);
                seen.lock().unwrap().push(hello[..n].to_vec());
                let _ = to.write_all(&hello[..n]).and_then(|()| io::copy(&mut from, &mut to));
                let _ = to.shutdown(Shutdown::Write);
            });
            let _ = io::copy(&mut server, &mut client);
            let _ = client.shutdown(Shutdown::Write);
        });
        Relay { server, gate, hellos }
    }

    /// Whether connections are let through; those that are there stay.
    pub fn open(&self, open: bool) {
        self.gate.store(open, Ordering::SeqCst);
    }

    /// What clients sent first, for each connection.
    pub fn hellos(&self) -> Vec<Vec<u8>> {
        self.hellos.lock().unwrap().clone()
    }
}
