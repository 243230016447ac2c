//! Link metadata of the shared library. Writes nothing into the tree.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target_os = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    if target_os == "linux" {
        // Bumped with the major version only.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libciba.so.1");
        // The engine's thread may run until the process ends: its code must stay.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
