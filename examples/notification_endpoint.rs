//! A sign-in in ping mode, with a small HTTP server that takes the provider's pings.
//!
//! The server belongs behind one that speaks https: the provider sends to an https URL, which is what the
//! client is registered with (`backchannel_client_notification_endpoint`).

use std::io::Read;
use std::sync::Arc;
use std::thread;

use ciba::{AuthenticationRequest, Client, Config};
use tiny_http::{Header, Request, Response, Server};

const MOST_BYTES: u64 = 1 << 20;

fn take(client: &Client, mut request: Request) -> Result<(), Box<dyn std::error::Error>> {
    let mut body = Vec::new();
    request.as_reader().take(MOST_BYTES + 1).read_to_end(&mut body)?;
    let header = |name: &'static str| {
        let is_named = |header: &&Header| header.field.equiv(name);
        request.headers().iter().find(is_named).map(|header| header.value.as_str())
    };
    let (authorization, content_type) = (header("Authorization"), header("Content-Type"));
    let notification =
        client.deliver_notification(request.method().as_str(), authorization, content_type, &body)?;
    request.respond(Response::empty(notification.http_status()))?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // {"issuer": "…", "client_id": "desk-7", "backchannel_token_delivery_mode": "ping", …}
    let mut config = Config::new();
    config.set_json(&std::env::var("CIBA_SETTINGS")?)?;
    let client = Client::new(&config)?;

    let server = Server::http(format!("127.0.0.1:{}", std::env::var("PORT")?)).map_err(|e| e.to_string())?;
    let server = Arc::new(server);
    let (receiver, endpoint) = (server.clone(), client.clone());
    let endpoint = thread::spawn(move || {
        for request in receiver.incoming_requests() {
            if let Err(error) = take(&endpoint, request) {
                eprintln!("a notification was lost: {error}");
            }
        }
    });

    let mut request = AuthenticationRequest::new();
    request.set("login_hint", "alice")?;
    let flow = client.init(&request, None)?; // the phone rings
    if let Some(tokens) = flow.poll(None)? {
        // the ping has come, and the tokens were fetched
        println!("Hello {}", tokens.claim_text("sub").unwrap_or_default());
    }
    server.unblock();
    endpoint.join().map_err(|_| "the endpoint panicked")?; // the ping may still be answered
    Ok(())
}
