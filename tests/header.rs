//! `include/ciba.h` is what the code says: generated anew and compared. `CIBA_BLESS=1` rewrites it.

use std::fmt::Write;
use std::path::Path;

use ciba::{Form, NotificationKind, PARAMETERS, ProgressStage, SETTINGS, Setting, Status};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const INTRODUCTION: &str = "\
/* libciba: OpenID Connect CIBA (Client-Initiated Backchannel Authentication).
 * SPDX-License-Identifier: MIT OR Apache-2.0
 * Generated from src/capi; do not edit.
 *
 * A program asks a provider to authenticate a person, the person approves on the phone, the program
 * gets tokens that have been verified:
 *
 *   ciba_config *config = ciba_config_new();
 *   ciba_config_set(config, \"provider\", \"telenor-test\", NULL);
 *   ciba_config_set(config, \"client_id\", \"desk-7\", NULL);
 *   ciba_config_set(config, \"client_secret\", secret, NULL);
 *   ciba_client_new(config, &client, &err);
 *
 *   ciba_request *request = ciba_request_new();
 *   ciba_request_set(request, \"login_hint\", \"+4799988777\", NULL);
 *
 *   ciba_init(client, request, -1, &flow, &err);        // the phone rings
 *   if (ciba_poll(flow, -1, &err) == CIBA_OK) {         // waits for the person
 *     ciba_flow_tokens(flow, &tokens, &err);
 *     puts(ciba_tokens_claim(tokens, \"sub\", NULL));     // verified
 *   }
 *   ciba_free(flow);
 *
 * Manners, the same for every function:
 * - A function that can fail returns a ciba_status: CIBA_OK, or what happened. Its last parameter err
 *   is NULL, or the place for an error object with the details, which the caller frees with
 *   ciba_error_free(); it is set to NULL on entry, and stays so with CIBA_OK and CIBA_PENDING.
 * - Beside the statuses that a function names, any may return CIBA_MISSING_ARGUMENT (a NULL where there must
 *   be something), CIBA_INVALID_UTF8 and the 900s; one that may wait, CIBA_IN_CALLBACK. Programs treat the
 *   statuses that they know and take any other by its band: a newer library may have more.
 * - A function that may wait takes timeout_ms, as poll(2) has it: < 0 waits until it is done, 0 does not
 *   wait, > 0 waits at most so many milliseconds. When the time is up it returns CIBA_PENDING, which is
 *   no error: nothing is lost. With timeout 0 no function waits for the network or a name server.
 * - Objects are handles. Any may be used from any thread, and freed in any order; each keeps what
 *   it needs of the others. Freeing NULL does nothing. Freeing a handle twice, or using it after, is as
 *   undefined as with free(3), but for the calls that are inside a flow or a set when it is freed: they
 *   return CIBA_FREED.
 * - Texts in are NUL-terminated UTF-8 and copied. Texts out belong to the object that was asked, and live
 *   until it is freed.
 * - Times are in ms, dates in Unix ms; what is absent is NULL or -1.
 * - Callbacks come on threads that are inside a call, never on the library's own; so does the release of
 *   their userdata. They may use accessors and nothing else, and must not unwind.
 * - The library starts one thread at the first exchange, and up to two that look up names. They block
 *   all signals. It installs no handlers, and never writes to stdout or stderr. In a handler of the
 *   program's own no function may be called: set a flag there, and look at it.
 * - It survives fork(): clients work on both sides, a flow stays with the process that started it.
 * - Its thread ends with the process. What that holds then Valgrind calls possibly lost or still reachable;
 *   nothing is definitely lost.
 *
 * One flow at a time is ciba_poll(); many are a ciba_set, which one thread or an event loop waits for.
 * ciba_flow_checkpoint() and ciba_flow_hand_over() save a flow to bytes, so that it outlives its process.
 * Tokens go on with ciba_client_refresh(), ciba_client_userinfo(), ciba_client_introspect() and
 * ciba_client_revoke().
 *
 * In this file: statuses; the tables of settings and of request parameters; types and callbacks; functions:
 * version, errors, settings, clients, requests, flows, tokens, what follows them, sets, saved flows,
 * notifications.
 */
";

fn form(setting: &Setting) -> String {
    match setting.form {
        Form::Text => "text".into(),
        Form::Lines => "text, of several lines".into(),
        Form::Flag => "true, false".into(),
        Form::Number(least, most) => format!("{least} to {most}"),
        Form::Word(words) => words.join(", "),
        Form::Url => "https URL".into(),
        Form::Address => "IP address".into(),
        Form::Readable => "readable text".into(),
        Form::ReadableLines => "readable text, of several lines".into(),
        Form::Uris => "URIs".into(),
        Form::JsonObject => "JSON object".into(),
        Form::JsonTypedObjects => "JSON array of objects".into(),
        Form::PrivateKey => "PEM or JWK".into(),
        Form::Claim => "text, JSON object, null".into(),
    }
}

fn wrapped(out: &mut String, indent: &str, text: &str) {
    let mut line = String::new();
    for word in text.split(' ') {
        if line.len() + word.len() + indent.len() > 96 {
            writeln!(out, " *{indent}{line}").unwrap();
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, " *{indent}{line}").unwrap();
}

fn table(out: &mut String, title: &str, table: &[Setting]) {
    writeln!(out, "\n/* {title}: name, (values; default), meaning.\n *").unwrap();
    for setting in table {
        let default = match setting.default {
            "" => String::new(),
            default => format!("; default {default}"),
        };
        wrapped(out, " ", &format!("{} ({}{default})", setting.name, form(setting)));
        wrapped(out, "     ", setting.text);
    }
    out.push_str(" */\n");
}

/// What stands before the functions: version, statuses, the tables of names.
fn preamble() -> String {
    let mut out = String::new();
    let mut version = ciba::VERSION.split('.').map(|part| part.parse::<u32>().unwrap());
    let (major, minor, patch) = (version.next().unwrap(), version.next().unwrap(), version.next().unwrap());
    writeln!(out, "\n/* The version of this header; see ciba_version_number(). */").unwrap();
    writeln!(out, "#define CIBA_VERSION \"{}\"", ciba::VERSION).unwrap();
    writeln!(out, "#define CIBA_VERSION_MAJOR {major}").unwrap();
    writeln!(out, "#define CIBA_VERSION_MINOR {minor}").unwrap();
    writeln!(out, "#define CIBA_VERSION_PATCH {patch}").unwrap();
    writeln!(out, "#define CIBA_VERSION_NUMBER {}", major * 10_000 + minor * 100 + patch).unwrap();
    out.push_str(
        "\n/* Statuses. Bands: 0 done, 1 pending, 10-99 the caller's use, 100s transport, 200s the\n \
         * provider's OAuth and CIBA answers, 250s outcomes, 300s token validation, 400s discovery and\n \
         * keys, 500s saved flows, 600s notifications, 900s internal. A number is never reused; new ones\n \
         * may come in every version. */\n",
    );
    for status in Status::ALL {
        writeln!(out, "/* {} */", status.text()).unwrap();
        writeln!(out, "#define CIBA_{} {}", status.name(), status.number()).unwrap();
    }
    out.push_str("\n/* How far a flow is, see ciba_progress_callback. */\n");
    for stage in
        [ProgressStage::Starting, ProgressStage::Pending, ProgressStage::Verifying, ProgressStage::Ended]
    {
        let name = format!("{stage:?}").to_uppercase();
        writeln!(out, "#define CIBA_STAGE_{name} {}", stage as i32).unwrap();
    }
    out.push_str("\n/* What a notification says, see ciba_notification_kind(). */\n");
    for kind in [NotificationKind::Ping, NotificationKind::Tokens, NotificationKind::Error] {
        let name = format!("{kind:?}").to_uppercase();
        writeln!(out, "#define CIBA_KIND_{name} {}", kind as i32).unwrap();
    }
    table(&mut out, "Settings, for ciba_config_set()", SETTINGS);
    table(&mut out, "Request parameters, for ciba_request_set()", PARAMETERS);
    out
}

fn generated() -> String {
    let config = cbindgen::Config {
        language: cbindgen::Language::C,
        header: Some(INTRODUCTION.into()),
        include_guard: Some("CIBA_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        after_includes: Some(preamble()),
        cpp_compat: true,
        style: cbindgen::Style::Type,
        documentation: true,
        documentation_style: cbindgen::DocumentationStyle::C,
        usize_is_size_t: true,
        line_length: 100,
        tab_width: 4,
        ..cbindgen::Config::default()
    };
    let mut builder = cbindgen::Builder::new().with_config(config);
    let folder = Path::new(ROOT).join("src/capi");
    // Not mod.rs: with it, cbindgen would read the others twice. In the order in which they are read.
    let files =
        "types version error config signer client request flow tokens afterwards set saved notification";
    for file in files.split(' ') {
        builder = builder.with_src(folder.join(file).with_extension("rs"));
    }
    let mut header = Vec::new();
    builder.generate().expect("cbindgen reads the C ABI").write(&mut header);
    // Compilers that stay with C89 know no comments of the other kind.
    let header = String::from_utf8(header).expect("UTF-8");
    header.replace("// __cplusplus", "/* __cplusplus */").replace("// extern \"C\"", "/* extern \"C\" */")
}

#[test]
fn the_header_is_what_the_code_says() {
    let path = Path::new(ROOT).join("include/ciba.h");
    let generated = generated();
    if std::env::var_os("CIBA_BLESS").is_some() {
        std::fs::write(&path, &generated).expect("include/ciba.h is written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = generated.lines().zip(committed.lines()).position(|(a, b)| a != b);
    assert!(
        generated == committed,
        "include/ciba.h differs (line {differing:?}): CIBA_BLESS=1 cargo test --test header"
    );
}

#[test]
fn every_setting_parameter_and_status_is_in_the_header() {
    let header = generated();
    for setting in SETTINGS.iter().chain(PARAMETERS) {
        assert!(header.contains(&format!(" * {} (", setting.name)), "{}", setting.name);
    }
    for status in Status::ALL {
        let line = format!("#define CIBA_{} {}\n", status.name(), status.number());
        assert!(header.contains(&line), "{line}");
    }
    assert!(!header.contains("#define CIBA_PLANTED "), "the search can fail");
}

#[test]
fn every_function_is_declared_once() {
    let header = generated();
    let mut names: Vec<&str> = header
        .lines()
        .filter(|line| !line.starts_with([' ', '*', '/', '#']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .collect();
    assert!(names.len() > 40 && names.contains(&"ciba_poll"), "{names:?}");
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn every_function_says_threads_and_since() {
    let header = generated();
    let functions: Vec<&str> = header.lines().filter(|l| l.contains(" ciba_") && l.contains('(')).collect();
    let declared = functions.iter().filter(|l| !l.starts_with([' ', '*', '/'])).count();
    assert!(declared > 40, "{declared} functions");
    let since = header.lines().filter(|line| line.contains("Since 0.")).count();
    assert!(since >= declared - 3, "{since} of {declared} say since when they are there"); // 3 callback types
}

/// Parameters that the text of their function leaves out. The first one is what the function is about, and
/// `err` is the same everywhere.
fn parameters_left_out(header: &str) -> Vec<String> {
    let mut left_out = Vec::new();
    for part in header.split("\n/*\n").skip(1) {
        let Some((text, declaration)) = part.split_once("*/\n") else { continue };
        let declaration = declaration.split_once(");").and_then(|(head, _)| head.split_once('('));
        let Some((function, parameters)) = declaration else { continue };
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let names = parameters.split(',').skip(1).filter_map(|parameter| parameter.rsplit([' ', '*']).next());
        let silent = names.filter(|name| *name != "err" && !words.contains(name));
        left_out.extend(silent.map(|name| format!("{function}({name})")));
    }
    left_out
}

#[test]
fn every_parameter_is_spoken_of_in_the_text_of_its_function() {
    let header = generated();
    assert_eq!(parameters_left_out(&header), [""; 0]);
    let planted = header.replace(
        "ciba_poll(ciba_flow *flow, int64_t timeout_ms,",
        "ciba_poll(ciba_flow *flow, int64_t planted,",
    );
    assert_eq!(parameters_left_out(&planted), ["ciba_status ciba_poll(planted)"], "the search can fail");
}

#[test]
fn a_status_number_belongs_to_one_status_and_to_its_band() {
    let numbers: Vec<i32> = Status::ALL.iter().map(|s| s.number()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "each number once, in order");
    for status in Status::ALL {
        assert_eq!(Status::from_number(status.number()), Some(*status));
    }
}
