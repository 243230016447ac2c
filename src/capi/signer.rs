//! The signer callback: signatures of keys that cannot leave their store.

use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, Weak};

use super::config::{change, ciba_config};
use super::error::ciba_error;
use super::{Userdata, ciba_release_callback, ciba_status};
use crate::signing::{ExternalSigner, SigningInput};

/// The longest signature: that of an RSA key of 8192 bits.
const MOST_SIGNATURE_BYTES: usize = 1024;

/// Signs with the client's private key, which the library never sees: that of a smart card, an HSM, a cloud's
/// key service.
///
/// algorithm: which one, as in JWS: "ES256" for example. key_id: which key. That of the client: the setting
/// client_key_id, or NULL. That of DPoP proofs: the kid of the setting dpop_public_key or, where it has none,
/// its thumbprint (RFC 7638); never NULL. Both are UTF-8 and live until the callback returns. input,
/// input_length: the bytes to sign, not hashed yet. signature: the place for the signature, with room for so
/// many bytes: 1024. signature_length: the place for how many it has. It is written as JWS has it (RFC 7518
/// section 3): for ES256, ES384 and ES512 r and s, one after the other, of 32, 48 or 66 bytes each, not DER; 64
/// bytes for EdDSA; for RSA as long as the modulus.
///
/// Returns 0, or any other number where it cannot sign, which then stands in the error's message. Nothing is
/// sent then: a start ends with CIBA_SIGNER_FAILED, a poll is tried again at the next interval, until the
/// request expires.
///
/// Comes on threads that are inside ciba_init(), ciba_poll(), ciba_step(), ciba_flow_hand_over(),
/// ciba_set_wait(), ciba_client_refresh(), ciba_client_userinfo(), ciba_client_introspect() or
/// ciba_client_revoke(), for the flow, the set or the tokens that the call is about, whatever its timeout: with
/// timeout 0 too it signs what an earlier call has begun. It may take its time: no other flow waits for it, but
/// for those of a set that one thread alone waits for. With nobody inside a call nothing is signed, and nothing
/// is sent. It may come on several threads at once. It must not unwind. It may use accessors; a call that may
/// wait returns CIBA_IN_CALLBACK.
pub type ciba_signer_callback = Option<
    unsafe extern "C" fn(
        userdata: *mut c_void,
        algorithm: *const c_char,
        key_id: *const c_char,
        input: *const u8,
        input_length: usize,
        signature: *mut u8,
        room: usize,
        signature_length: *mut usize,
    ) -> i32,
>;

struct SignerCallback {
    callback: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        *const c_char,
        *const u8,
        usize,
        *mut u8,
        usize,
        *mut usize,
    ) -> i32,
    userdata: Weak<Userdata>,
}

impl ExternalSigner for SignerCallback {
    fn sign(&self, input: &SigningInput<'_>) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let userdata = self.userdata.upgrade().ok_or("its client was freed")?;
        let algorithm = CString::new(input.algorithm)?;
        let key_id = input.key_id.map(CString::new).transpose()?;
        let key_id = key_id.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        let mut signature = vec![0; MOST_SIGNATURE_BYTES];
        let mut length = 0;
        let (bytes, place, room) = (input.bytes, signature.as_mut_ptr(), signature.len());
        // SAFETY: the callback takes what its type says; texts, bytes and places outlive the call.
        let answer = userdata.call(|pointer| unsafe {
            let callback = self.callback;
            callback(
                pointer,
                algorithm.as_ptr(),
                key_id,
                bytes.as_ptr(),
                bytes.len(),
                place,
                room,
                &mut length,
            )
        });
        match answer {
            0 if length <= signature.len() => {
                signature.truncate(length);
                Ok(signature)
            }
            0 => Err(format!("it claims a signature of {length} bytes").into()),
            number => Err(format!("the callback returned {number}").into()),
        }
    }
}

/// Has a callback sign with the client's private key, in place of the setting client_private_key: client
/// assertions (private_key_jwt) and authentication requests. The settings token_endpoint_auth_signing_alg and
/// backchannel_authentication_request_signing_alg say with which algorithm; both together ask for two
/// signatures for one request, by one call after the other. With the setting dpop_public_key it signs DPoP
/// proofs too (RFC 9449), also for userinfo; a signature that is not one of that key is CIBA_SIGNER_FAILED. It
/// takes the place of the one before.
///
/// callback: not NULL. userdata: given to the callback as it is. release: NULL, or called once when userdata
/// is needed no more: by the thread that frees the last of the settings and of the clients and flows made
/// from them, or by one that is then inside the callback; where this call fails, at once.
/// Returns CIBA_OK, CIBA_MISSING_ARGUMENT.
/// Threads: any. Since 0.1.0.
#[unsafe(no_mangle)]
pub extern "C" fn ciba_config_set_signer(
    config: *mut ciba_config,
    callback: ciba_signer_callback,
    userdata: *mut c_void,
    release: ciba_release_callback,
    err: *mut *mut ciba_error,
) -> ciba_status {
    let userdata = Arc::new(Userdata { pointer: userdata, release });
    let mut before = None; // released without the lock
    change(config, err, |settings| {
        let callback = callback.ok_or_else(|| super::missing("callback"))?;
        settings
            .config
            .set_signer(Arc::new(SignerCallback { callback, userdata: Arc::downgrade(&userdata) }));
        before = settings.signer.replace(userdata);
        Ok(())
    })
}
