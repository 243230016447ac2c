//! The proxy: given by the settings, or by the environment.

use std::env;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use crate::engine::ProxySettings;
use crate::error::{Error, Result, Status};
use crate::settings::Values;

/// Where the environment names a proxy for https, the first that is set counts; and where it names
/// the hosts that are reached without.
const PROXY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The proxy of these settings, if there is one.
pub fn proxy(values: &Values) -> Result<Option<ProxySettings>> {
    let everything = |settings: &ProxySettings| settings.exceptions.split(',').any(|host| host.trim() == "*");
    Ok(given(values)?.filter(|settings| !everything(settings)))
}

fn given(values: &Values) -> Result<Option<ProxySettings>> {
    let text = values.text("proxy").unwrap_or("environment");
    if !matches!(text, "environment" | "none") {
        let unusable = || {
            let text = "proxy: must be environment, none, or an http or https URL without user and password";
            Error::new(Status::INVALID_VALUE, text)
        };
        let (url, userinfo) = read(text).ok_or_else(unusable)?;
        if userinfo.is_some() {
            return Err(unusable());
        }
        let credentials = values.text("proxy_username").map(|user| {
            (user.to_owned(), SecretString::from(values.text("proxy_password").unwrap_or_default()))
        });
        let exceptions = values.text("proxy_exceptions").unwrap_or_default().to_owned();
        return Ok(Some(ProxySettings { url, credentials, exceptions }));
    }
    let orphans = ["proxy_username", "proxy_password", "proxy_exceptions"];
    match orphans.iter().find(|name| values.given(name).is_some()) {
        Some(name) => {
            Err(Error::new(Status::CONFLICTING_SETTINGS, format!("{name} is given, but proxy is no URL")))
        }
        None if text == "none" => Ok(None),
        None => of_environment(),
    }
}

fn of_environment() -> Result<Option<ProxySettings>> {
    let Some((name, text)) = set(&PROXY) else { return Ok(None) };
    // "proxy.example:3128" is usual too.
    let text = if text.contains("://") { text } else { format!("http://{text}") };
    let (url, credentials) = read(&text).ok_or_else(|| {
        let text = format!("proxy: {name} in the environment is no http or https URL; proxy=none ignores it");
        Error::new(Status::INVALID_VALUE, text)
    })?;
    let exceptions = set(&NO_PROXY).map(|(_, text)| text).unwrap_or_default();
    Ok(Some(ProxySettings { url, credentials, exceptions }))
}

/// The first of these variables that is set to something.
fn set(names: &[&'static str]) -> Option<(&'static str, String)> {
    names.iter().find_map(|name| Some((*name, env::var(name).ok().filter(|text| !text.is_empty())?)))
}

/// The URL of a proxy, and the user and password that it held.
fn read(text: &str) -> Option<(Url, Option<(String, SecretString)>)> {
    let mut url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let given = !url.username().is_empty() || url.password().is_some();
    let credentials =
        given.then(|| (decoded(url.username()), decoded(url.password().unwrap_or_default()).into()));
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some((url, credentials))
}
