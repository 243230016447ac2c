//! A client's notification endpoint: an HTTP server of the tests' own, which delivers what it receives.

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use ciba::{Client, Status};
use tiny_http::{Header, Response, Server};

/// What was received: the status of its delivery, and the identifier in it.
pub type Delivered = (Status, Option<String>);

pub struct Endpoint {
    pub url: String,
    server: Arc<Server>,
    client: Arc<Mutex<Option<Client>>>,
    delivered: Arc<Mutex<Vec<Delivered>>>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    pub fn start() -> Endpoint {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let url = format!("http://{}/ciba", server.server_addr());
        let client = Arc::new(Mutex::new(None));
        let delivered = Arc::new(Mutex::new(Vec::new()));
        let thread = thread::spawn({
            let (server, client, delivered) = (server.clone(), client.clone(), delivered.clone());
            move || server.incoming_requests().for_each(|request| receive(request, &client, &delivered))
        });
        Endpoint { url, server, client, delivered, thread: Some(thread) }
    }

    /// Whom it delivers to from now on.
    pub fn deliver_to(&self, client: &Client) {
        *self.client.lock().unwrap() = Some(client.clone());
    }

    /// What it has received since this was asked last.
    pub fn delivered(&self) -> Vec<Delivered> {
        std::mem::take(&mut *self.delivered.lock().unwrap())
    }
}

fn receive(
    mut request: tiny_http::Request,
    client: &Mutex<Option<Client>>,
    delivered: &Mutex<Vec<Delivered>>,
) {
    let mut body = Vec::new();
    request.as_reader().read_to_end(&mut body).unwrap();
    let header = |name: &'static str| {
        let is_named = |header: &&Header| header.field.equiv(name);
        request.headers().iter().find(is_named).map(|header| header.value.as_str())
    };
    let client = client.lock().unwrap().clone().expect("somebody to deliver to");
    let notification = client
        .deliver_notification(
            request.method().as_str(),
            header("authorization"),
            header("content-type"),
            &body,
        )
        .unwrap();
    let id = notification.auth_req_id().map(str::to_owned);
    delivered.lock().unwrap().push((notification.status(), id));
    request.respond(Response::empty(notification.http_status())).unwrap();
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.unblock();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
