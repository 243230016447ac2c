//! The corpora, replayed; and that what is asserted of them can fail.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use super::*;
use crate::error::Status;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn names_in(path: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(path).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn whatever_lies_in_the_corpora_is_read_without_harm_and_the_good_alone_is_accepted() {
    let mut wrong = Vec::new();
    for (name, target) in TARGETS {
        let inputs = names_in(&folder("corpus").join(name));
        assert!(inputs.iter().any(|input| input.starts_with("good")), "{name} has nothing good");
        for input in inputs {
            let bytes = fs::read(folder("corpus").join(name).join(&input)).unwrap();
            let accepted = catch_unwind(|| target(&bytes)).ok();
            if accepted != Some(input.starts_with("good")) {
                wrong.push(format!("fuzz/corpus/{name}/{input}: accepted: {accepted:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_target_has_a_program_and_a_corpus_and_nothing_else_has() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names_in(&folder("corpus")), targets);
    let programs: BTreeSet<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names_in(&folder("targets")), programs);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for name in &targets {
        let call = format!("ciba::fuzzing::{name}(data)");
        assert!(fs::read_to_string(folder("targets").join(format!("{name}.rs"))).unwrap().contains(&call));
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"targets/{name}.rs\"")), "{name}");
    }
}

#[test]
fn a_secret_that_is_shown_is_found() {
    let shown =
        |text: &'static str| catch_unwind(|| assert_discreet(&Error::new(Status::FAILED, text))).is_err();
    assert!(!shown("the provider refuses"));
    for text in ["it said hunter2-hunter2", "of +4799988777.", "a\u{7}b"] {
        assert!(shown(text), "{text}");
    }
    let described = |text: &str| {
        let error = Error::new(Status::FAILED, "x").with_oauth(Some("code".into()), Some(text.into()));
        catch_unwind(|| assert_discreet(&error)).is_err()
    };
    assert!(described("hunter2-hunter2") && !described("wrong secret"));
}
