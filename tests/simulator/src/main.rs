//! `ciba-sim`: the simulator as a program.

use std::io::Read;
use std::process::ExitCode;

use ciba_sim::{ClientCertificates, Config, Personality, Simulator, Verdict};
use serde_json::json;

const USAGE: &str = "\
ciba-sim: a local OpenID Connect CIBA provider for tests

  --personality NAME   signaturgruppen (default), signaturgruppen-par, telenor, telenor-bankid or generic
  --tls                https, with a CA made for this run
  --ca-out FILE        where to write that CA's certificate (PEM)
  --mtls POLICY        with --tls: a second listener that asks for client certificates
                       (requested) or demands them (required); the metadata name it
  --client-certificate-out FILE
                       where to write a client certificate with its key (PEM) that is
                       good there, for the first client's tls_client_auth_san_dns
  --host NAME          host in the issuer: 127.0.0.1 (default) or localhost
  --port N             port of the provider; a free one if left out
  --control-port N     port of the control interface; a free one if left out
  --interval S         seconds between polls
  --expires-in S       lifetime of a request in seconds
  --no-throttle        never answer slow_down
  --outcome TEXT       for requests whose hint says nothing: \"approve after 3 s\"
                       (default), \"deny after 1 s\", \"fail CODE after 2 s\",
                       \"never\", or \"wait\" for the control interface
  --client ID:SECRET   register this client in place of the default one; repeatable
  --client-metadata FILE
                       likewise, a client by its OpenID client metadata in JSON: a
                       method, keys (jwks), algorithms
  --journal-limit N    journal entries that are kept; 0 only counts
  --narrate            tell on stderr what the phone shows
  --ready-file FILE    write the line of JSON there too
  --exit-with-stdin    end when standard input is closed

When ready it prints one line of JSON: issuer, control, ca_file, client_id,
client_secret.
";

struct Options {
    config: Config,
    ca_out: Option<String>,
    client_certificate_out: Option<String>,
    ready_file: Option<String>,
    exit_with_stdin: bool,
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        config: Config::new(ciba_sim::personality::signaturgruppen()),
        ca_out: None,
        client_certificate_out: None,
        ready_file: None,
        exit_with_stdin: false,
    };
    let config = &mut options.config;
    config.control_port = Some(0);
    config.default = Verdict::in_text("approve after 3 s");
    config.journal_limit = 10_000;
    while let Some(option) = args.next() {
        let mut value = || args.next().ok_or(format!("{option} needs a value"));
        match option.as_str() {
            "--personality" => {
                let name = value()?;
                config.personality = Personality::named(&name).ok_or(format!("no personality {name}"))?;
            }
            "--tls" => config.tls = true,
            "--mtls" => {
                config.mtls = Some(match value()?.as_str() {
                    "requested" => ClientCertificates::Requested,
                    "required" => ClientCertificates::Required,
                    other => return Err(format!("--mtls: requested or required, not {other}")),
                });
            }
            "--client-certificate-out" => options.client_certificate_out = Some(value()?),
            "--ca-out" => options.ca_out = Some(value()?),
            "--host" => config.host = value()?,
            "--port" => config.port = number(&option, &value()?)?,
            "--control-port" => config.control_port = Some(number(&option, &value()?)?),
            "--interval" => config.interval = Some(number(&option, &value()?)?),
            "--expires-in" => config.expires_in = Some(number(&option, &value()?)?),
            "--no-throttle" => config.throttle = false,
            "--outcome" => {
                let text = value()?;
                config.default = match text.as_str() {
                    "wait" => None,
                    text => Some(Verdict::in_text(text).ok_or(format!("outcome {text} not understood"))?),
                };
            }
            "--client" => {
                let text = value()?;
                let (id, secret) = text.split_once(':').ok_or("--client needs ID:SECRET".to_owned())?;
                config.clients.push(ciba_sim::Client::new(id, secret));
            }
            "--client-metadata" => {
                let file = value()?;
                let text = std::fs::read(&file).map_err(|error| format!("{file}: {error}"))?;
                let client = serde_json::from_slice(&text).map_err(|error| format!("{file}: {error}"))?;
                config.clients.push(client);
            }
            "--journal-limit" => config.journal_limit = number(&option, &value()?)?,
            "--narrate" => config.narrate = true,
            "--ready-file" => options.ready_file = Some(value()?),
            "--exit-with-stdin" => options.exit_with_stdin = true,
            other => return Err(format!("unknown option {other}")),
        }
    }
    Ok(options)
}

fn number<T: std::str::FromStr>(option: &str, value: &str) -> Result<T, String> {
    let parsed = value.parse();
    parsed.map_err(|_| format!("{option}: {value} is not a number that fits"))
}

fn run(options: Options) -> std::io::Result<()> {
    let simulator = Simulator::try_start(options.config)?;
    if let (Some(file), Some(pem)) = (&options.ca_out, simulator.ca_pem()) {
        std::fs::write(file, pem)?;
    }
    if let Some(file) = &options.client_certificate_out {
        let name = simulator.client().tls_client_auth_san_dns.as_deref().unwrap_or("client.example");
        let issued = simulator.client_authority().issue(name);
        std::fs::write(file, issued.certificate + &issued.key)?;
    }
    let ready = json!({
        "issuer": simulator.issuer(),
        "control": simulator.control_url(),
        "ca_file": options.ca_out.filter(|_| simulator.ca_pem().is_some()),
        "client_id": simulator.client_id(),
        "client_secret": simulator.client_secret(),
    });
    if let Some(file) = options.ready_file {
        // Renamed into place, so that whoever waits for it finds the whole line.
        let part = format!("{file}.part");
        std::fs::write(&part, format!("{ready}\n"))?;
        std::fs::rename(part, file)?;
    }
    println!("{ready}");
    if options.exit_with_stdin {
        let mut rest = [0; 4096];
        while std::io::stdin().read(&mut rest)? > 0 {}
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let done = options(args.into_iter()).map(run);
    match done {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("ciba-sim: {error}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("ciba-sim: {error}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}
