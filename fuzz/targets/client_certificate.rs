#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ciba::fuzzing::client_certificate(data);
});
