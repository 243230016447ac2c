//! PingOne.

use ciba_sim::personality::generic;
use ciba_sim::{Kind, Personality};

use crate::{entry, named, refused, sent};

#[test]
fn pingone_is_sent_any_hint_but_a_token_that_is_no_jwt_r05_r10() {
    let paths =
        Personality { root: "/environment/as", start: "/cibaAuthorization", token: "/token", ..generic() };
    let (pair, client) = named("pingone", paths);
    for hint in ["kurt", "a.b", "a..c", "a.b.c.d"] {
        refused(&pair, &client, &[("login_hint_token", hint)], &["JWT"]);
    }
    for (name, value) in [("login_hint", "kurt"), ("login_hint_token", "a.b.c"), ("id_token_hint", "a.b.c")] {
        let body = sent(&pair, &client, &[(name, value)]);
        assert_eq!(body, format!("scope=openid&{name}={value}"));
    }
    assert_eq!(entry(&pair, Kind::Start).path, "/environment/as/cibaAuthorization");
}
