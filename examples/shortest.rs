use ciba::{AuthenticationRequest, Client, Config, Error};

fn main() -> Result<(), Error> {
    // {"provider": "telenor-test", "client_id": "desk-7", "client_secret": "…"}
    let mut config = Config::new();
    config.set_json(&std::env::var("CIBA_SETTINGS").unwrap_or_default())?;
    let client = Client::new(&config)?;

    let mut request = AuthenticationRequest::new();
    request.set("login_hint", "+4799988791")?;
    let flow = client.init(&request, None)?; // the phone rings
    if let Some(tokens) = flow.poll(None)? {
        println!("Hello {}", tokens.claim_text("given_name").unwrap_or_default()); // the person has approved
    }
    Ok(())
}
