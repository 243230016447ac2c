//! The program and its control interface.

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use common::{GRANT, UUID, client, read};
use serde_json::{Value, json};

struct Program {
    child: Child,
    ready: Value,
}

impl Program {
    fn start(args: &[&str]) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ciba-sim"))
            .args(args)
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Program { child, ready }
    }

    fn text(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    /// Closes its input; returns what it told on stderr.
    fn stop(mut self) -> String {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        let mut told = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut told).unwrap();
        told
    }
}

#[test]
fn a_sign_in_by_the_control_interface() {
    let folder = std::env::temp_dir();
    let file = |name: &str| {
        let path = folder.join(format!("ciba-sim-test-{}-{name}", std::process::id()));
        path.to_str().unwrap().to_owned()
    };
    let (ca, ready) = (file("ca.pem"), file("ready.json"));
    let program = Program::start(&[
        "--tls",
        "--narrate",
        "--no-throttle",
        "--interval",
        "1",
        "--expires-in",
        "60",
        "--outcome",
        "wait",
        "--host",
        "localhost",
        "--ca-out",
        &ca,
        "--ready-file",
        &ready,
    ]);
    let from_file = std::fs::read_to_string(&ready).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&from_file).unwrap(), program.ready);
    assert_eq!(program.text("ca_file"), ca);
    let pem = std::fs::read_to_string(&ca).unwrap();
    let (http, plain) = (client(Some(&pem)), client(None));
    let issuer = program.text("issuer");
    assert!(issuer.starts_with("https://localhost:") && issuer.ends_with("/op"));
    let control = |method: &str, path: &str, body: Value| {
        let method = method.parse().unwrap();
        let url = format!("{}{path}", program.text("control"));
        read(plain.request(method, url).json(&body))
    };
    let post = |path: &str, form: &[(&str, &str)]| {
        let mut all = form.to_vec();
        all.push(("client_id", program.text("client_id")));
        all.push(("client_secret", program.text("client_secret")));
        read(http.post(format!("{issuer}{path}")).form(&all))
    };
    let hint = format!(r#"{{"idp":"mitid","uuid":"{UUID}","referenceTextBody":"Hello","ip":"::1"}}"#);
    let start = || {
        let (status, ack) = post("/connect/ciba", &[("scope", "openid"), ("login_hint_token", &hint)]);
        assert_eq!((status, &ack["expires_in"], &ack["interval"]), (200, &json!(60), &json!(1)));
        ack["auth_req_id"].as_str().unwrap().to_owned()
    };
    let poll = |id: &str| post("/connect/token", &[("grant_type", GRANT), ("auth_req_id", id)]);
    let error = |id: &str| poll(id).1["error"].as_str().unwrap_or_default().to_owned();

    let id = start();
    assert_eq!(error(&id), "authorization_pending");
    let (_, requests) = control("GET", "/requests", json!({}));
    assert_eq!((&requests[0]["auth_req_id"], &requests[0]["text"]), (&json!(id), &json!("Hello")));
    let fault = json!({ "kind": "poll", "fault": { "answer": { "status": 502, "body": "bad" } } });
    assert_eq!(control("POST", "/fault", fault).0, 200);
    assert_eq!(poll(&id), (502, json!("bad")));
    let change = json!({ "claims": { "mitid.uuid": "another", "at_hash": null } });
    assert_eq!(control("POST", "/id_token", change).0, 200);
    assert_eq!(control("POST", "/approve", json!({})).0, 200, "the newest");
    let (status, tokens) = poll(&id);
    assert_eq!(status, 200);
    let payload = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let payload = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, payload);
    let claims: Value = serde_json::from_slice(&payload.unwrap()).unwrap();
    assert_eq!((&claims["mitid.uuid"], claims.get("at_hash")), (&json!("another"), None));

    for (path, body, code) in [
        ("/deny", json!({}), "access_denied"),
        ("/fail", json!({ "code": "odd.Code" }), "odd.Code"),
        ("/expire", json!({}), "expired_token"),
        ("/forget", json!({}), "invalid_grant"),
    ] {
        let id = start();
        assert_eq!(control("POST", path, body).0, 200, "{path}");
        assert_eq!(error(&id), code);
    }
    assert_eq!(control("POST", "/default", json!({ "outcome": "deny after 0 s" })).0, 200);
    assert_eq!(error(&start()), "access_denied");
    assert_eq!(control("POST", "/default", json!({ "outcome": "?" })).0, 400);
    assert_eq!(control("POST", "/approve", json!({ "auth_req_id": "x" })).0, 404);
    assert_eq!(control("POST", "/approve", json!({ "unknown": 1 })).0, 400);
    assert_eq!(control("POST", "/nothing", json!({})).0, 404);

    let (_, count) = control("GET", "/count", json!({}));
    assert_eq!((&count["start"], &count["poll"], &count["total"]), (&json!(6), &json!(8), &json!(14)));
    let (_, journal) = control("GET", "/journal", json!({}));
    assert_eq!(journal.as_array().unwrap().len(), 14);
    assert_eq!(journal[2]["answer"], "(answer)");
    for entry in journal.as_array().unwrap() {
        assert_eq!(entry["auth_req_id"].is_string(), entry["answer"] == "ack", "{entry}");
    }
    let (_, lines) = control("GET", "/lines", json!({}));
    assert!(lines[3].as_str().unwrap().ends_with(" POST /op/connect/token -> 200 tokens"));
    control("DELETE", "/journal", json!({}));
    assert_eq!(control("GET", "/count", json!({})).1["total"], 0);

    assert_eq!(control("POST", "/offline", json!({})).0, 200);
    let url = format!("{issuer}/.well-known/openid-configuration");
    assert!(http.get(&url).send().is_err());
    assert_eq!(control("POST", "/online", json!({})).0, 200);
    assert_eq!(read(http.get(&url)).0, 200);

    let told = program.stop();
    for line in ["[phone] signaturgruppen", "\"Hello\"", "[phone] approved", "[phone] refused"] {
        assert!(told.contains(line), "{line}: {told}");
    }
    for file in [ca, ready] {
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn by_default_everybody_approves() {
    let program = Program::start(&["--personality", "telenor"]);
    assert!(program.text("issuer").starts_with("http://127.0.0.1:"));
    assert_eq!(program.ready["ca_file"], Value::Null);
    program.stop();
}

#[test]
fn a_client_is_registered_by_its_metadata() {
    let file = std::env::temp_dir().join(format!("ciba-sim-test-{}-client.json", std::process::id()));
    let register = |metadata: Value| {
        std::fs::write(&file, metadata.to_string()).unwrap();
        Command::new(env!("CARGO_BIN_EXE_ciba-sim"))
            .args(["--client-metadata", file.to_str().unwrap(), "--exit-with-stdin"])
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    let metadata = json!({
        "client_id": "desk", "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [] },
        "token_endpoint_auth_signing_alg": "ES256", "backchannel_authentication_request_signing_alg": "PS256",
    });
    let run = register(metadata.clone());
    let ready: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&ready["client_id"], &ready["client_secret"]), (&json!("desk"), &json!("")));
    let mut misspelt = metadata;
    misspelt["token_endpoint_auth_metod"] = "private_key_jwt".into();
    let run = register(misspelt);
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("token_endpoint_auth_metod"));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn bad_options_are_told() {
    for args in [&["--personality", "nobody"][..], &["--port", "x"], &["--what"], &["--port"]] {
        let run = Command::new(env!("CARGO_BIN_EXE_ciba-sim")).args(args).output();
        let run = run.unwrap();
        assert_eq!(run.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&run.stderr).starts_with("ciba-sim: "));
    }
}
