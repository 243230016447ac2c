//! Every algorithm that a token may be registered with.

use super::*;

#[test]
fn each_algorithm_verifies_with_its_own_key_and_its_own_hash() {
    for algorithm in Algorithm::ALL {
        let mut good = Attempt::signed_with(algorithm.name());
        good.claim("at_hash", algorithm.half_hash("G5kXH2wHvUra0sHlDy1iTkDJgsgUO1bN"));
        check_table(
            &good,
            &[
                ("a bit of the signature", Status::TOKEN_SIGNATURE, |a| {
                    a.signature = |mut s| {
                        s[9] ^= 1;
                        s
                    };
                }),
                ("one byte less", Status::TOKEN_SIGNATURE, |a| {
                    a.signature = |mut s| {
                        s.pop();
                        s
                    };
                }),
                ("one byte more", Status::TOKEN_SIGNATURE, |a| {
                    a.signature = |mut s| {
                        s.push(0);
                        s
                    };
                }),
                ("all zero (r and s of 0)", Status::TOKEN_SIGNATURE, |a| {
                    a.signature = |s| vec![0; s.len()];
                }),
                ("all ones (r and s above n)", Status::TOKEN_SIGNATURE, |a| {
                    a.signature = |s| vec![0xff; s.len()];
                }),
                ("an access token's hash of another length", Status::TOKEN_ACCESS_TOKEN_HASH, |a| {
                    let hash = a.claims["at_hash"].as_str().unwrap().to_owned();
                    a.claim("at_hash", &hash[..hash.len() - 2]);
                }),
            ],
        );
        assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
    }
}

#[test]
fn ed25519_has_two_names() {
    let mut newer = Attempt::signed_with("Ed25519");
    assert_eq!(newer.status(), Status::OK);
    newer.algorithms = vec![Algorithm::from_name("EdDSA").unwrap()];
    assert_eq!(newer.status(), Status::OK);
    newer.key("ed").insert("alg".into(), "EdDSA".into());
    assert_eq!(newer.status(), Status::OK);
}

#[test]
fn step_4_an_ecdsa_number_that_is_n_or_0_is_refused() {
    // The order of P-256: r + n would be the same number again.
    const N: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    check_table(
        &Attempt::signed_with("ES256"),
        &[
            ("r of 0", Status::TOKEN_SIGNATURE, |a| a.signature = |s| [&[0; 32], &s[32..]].concat()),
            ("s of 0", Status::TOKEN_SIGNATURE, |a| a.signature = |s| [&s[..32], &[0; 32]].concat()),
            ("r of n", Status::TOKEN_SIGNATURE, |a| a.signature = |s| [&N, &s[32..]].concat()),
            ("s of n", Status::TOKEN_SIGNATURE, |a| a.signature = |s| [&s[..32], &N].concat()),
            ("in ASN.1", Status::TOKEN_SIGNATURE, |a| {
                a.signature = |s| {
                    let number = |n: &[u8]| [&[2, 33, 0], n].concat();
                    [vec![0x30, 70], number(&s[..32]), number(&s[32..])].concat()
                };
            }),
        ],
    );
}

#[test]
fn section_1_6_the_known_answer_of_at_hash_and_rt_hash() {
    assert_eq!(Algorithm::Rs256.half_hash("G5kXH2wHvUra0sHlDy1iTkDJgsgUO1bN"), "Wt0kVFXMacqvnHeyU0001w");
    assert_eq!(
        Algorithm::Es256.half_hash("4bwc0ESC_IAhflf-ACC_vjD_ltc11ne-8gFPfA2Kx16"),
        "sHahCuSpXCRg5mkDDvvr4w"
    );
}

#[test]
fn names_that_are_no_asymmetric_algorithm_are_unknown() {
    for name in ["", "none", "None", "HS256", "HS384", "HS512", "rs256", "RSA-OAEP", "ES256K", "Ed448"] {
        assert_eq!(Algorithm::from_name(name), None, "{name}");
    }
}

#[test]
fn several_algorithms_may_be_registered() {
    let mut attempt = Attempt::signed_with("PS256");
    attempt.algorithms = vec![Algorithm::Es256, Algorithm::Ps256];
    assert_eq!(attempt.status(), Status::OK);
    // The same key was prepared for the one and is used for the other.
    let keys = KeySet::parse(key_set().to_string().as_bytes()).unwrap();
    for algorithm in ["RS256", "PS256", "RS512", "RS256"] {
        let signature = sign(algorithm, b"message");
        let algorithm = Algorithm::from_name(algorithm).unwrap();
        assert!(keys.check(algorithm, Some("rsa"), b"message", &signature).is_ok());
        assert!(keys.check(algorithm, Some("rsa"), b"massage", &signature).is_err());
    }
}
