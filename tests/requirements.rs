//! Every requirement has a test: `docs/requirements.md` names what there is, and nothing else.
//! `CIBA_BLESS=1` writes the tests into it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TABLE: &str = "docs/requirements.md";
/// Where tests are.
const FOLDERS: [&str; 3] = ["src", "tests", "bindings"];
/// The numbers that there are, each group from its first to its last.
const ROWS: [(u32, u32); 6] = [(1, 16), (20, 28), (30, 34), (40, 54), (60, 63), (70, 80)];

/// The tests that there are, each by file and name.
type Tests = BTreeSet<(String, String)>;

/// The row as test names have it: `r07`.
fn rows_in(name: &str) -> impl Iterator<Item = &str> {
    name.split('_').filter(|word| {
        word.len() == 3 && word.starts_with('r') && word[1..].bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The functions of a file that a test runner runs; of others those that call themselves proofs.
fn tests_in(file: &str, text: &str, tests: &mut Tests, faults: &mut Vec<String>) {
    let mut attributes: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributes.push(line);
            continue;
        }
        let python = line.strip_prefix("async ").unwrap_or(line).strip_prefix("def ");
        let function = if file.ends_with(".py") { python } else { line.strip_prefix("fn ") };
        if let Some((name, _)) = function.and_then(|rest| rest.split_once('(')) {
            let runs = match python {
                Some(_) => name.starts_with("test_"),
                None => {
                    attributes.contains(&"#[test]") && !attributes.iter().any(|a| a.starts_with("#[ignore"))
                }
            };
            if runs {
                tests.insert((file.to_owned(), name.to_owned()));
            } else if rows_in(name).next().is_some() {
                faults.push(format!("{file}: {name} is not run as a test"));
            }
        }
        if !line.is_empty() && !line.starts_with("//") {
            attributes.clear();
        }
    }
}

fn read_folder(folder: &str, tests: &mut Tests, faults: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(Path::new(ROOT).join(folder)) else { return };
    for entry in entries {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !["target", "node_modules", "build"].iter().any(|name| path.ends_with(name)) {
            read_folder(&path, tests, faults);
        } else if kind.is_file() && (path.ends_with(".rs") || path.ends_with(".py")) {
            tests_in(&path, &fs::read_to_string(Path::new(ROOT).join(&path)).unwrap(), tests, faults);
        }
    }
}

/// The four cells of a row of the table; nothing of any other line.
fn cells(line: &str) -> Option<[&str; 4]> {
    let inner = line.strip_prefix("| R-")?.strip_suffix('|')?;
    let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
    cells.try_into().ok()
}

/// The tests that a cell names: `` `file`: `name`, `name`<br>`file`: `name` ``.
fn named(cell: &str) -> Tests {
    let files = cell.split("<br>").filter_map(|part| part.split_once(": "));
    let unquoted = |text: &str| text.trim().trim_matches('`').to_owned();
    files
        .flat_map(|(file, names)| names.split(", ").map(move |name| (unquoted(file), unquoted(name))))
        .collect()
}

/// The cell of a row with these tests.
fn cell_of<'a>(tests: impl Iterator<Item = &'a (String, String)>) -> String {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    tests.for_each(|(file, name)| files.entry(file).or_default().push(format!("`{name}`")));
    let files = files.iter().map(|(file, names)| format!("`{file}`: {}", names.join(", ")));
    files.collect::<Vec<_>>().join("<br>")
}

/// What is wrong with a table of these rows, where there are these tests.
fn faults(table: &str, rows: &[(u32, u32)], tests: &Tests) -> Vec<String> {
    let mut faults = Vec::new();
    let mut listed = BTreeMap::new();
    for cells in table.lines().filter_map(cells) {
        let [row, requirement, source, proofs] = cells;
        if requirement.is_empty() || source.is_empty() {
            faults.push(format!("R-{row} says nothing, or not where it comes from"));
        }
        if listed.insert(format!("r{row}"), named(proofs)).is_some() {
            faults.push(format!("R-{row} stands there twice"));
        }
    }
    let wanted: BTreeSet<String> =
        rows.iter().flat_map(|(first, last)| (*first..=*last).map(|row| format!("r{row:02}"))).collect();
    faults.extend(
        wanted.iter().filter(|row| !listed.contains_key(*row)).map(|row| format!("{row} is missing")),
    );
    for (row, proofs) in &listed {
        if !wanted.contains(row) {
            faults.push(format!("there is no {row}"));
        }
        if proofs.is_empty() {
            faults.push(format!("{row} has no test"));
        }
        for proof in proofs {
            if !tests.contains(proof) {
                faults.push(format!("{row}: there is no test {proof:?}"));
            }
            if !rows_in(&proof.1).any(|carried| carried == row) {
                faults.push(format!("{row} is not in the name of {proof:?}"));
            }
        }
    }
    for test in tests {
        for row in rows_in(&test.1) {
            if !listed.get(row).is_some_and(|proofs| proofs.contains(test)) {
                faults.push(format!("{row} does not list {test:?}"));
            }
        }
    }
    faults
}

/// The table with the tests that there are.
fn blessed(table: &str, tests: &Tests) -> String {
    let line = |line: &str| match cells(line) {
        Some([row, requirement, source, _]) => {
            let name = format!("r{row}");
            let proofs = cell_of(tests.iter().filter(|test| rows_in(&test.1).any(|carried| carried == name)));
            format!("| R-{row} | {requirement} | {source} | {proofs} |\n")
        }
        None => format!("{line}\n"),
    };
    table.lines().map(line).collect()
}

#[test]
fn every_requirement_has_a_test_and_the_table_names_them_all() {
    let (mut tests, mut all) = (Tests::new(), Vec::new());
    FOLDERS.iter().for_each(|folder| read_folder(folder, &mut tests, &mut all));
    let path = Path::new(ROOT).join(TABLE);
    let mut table = fs::read_to_string(&path).unwrap();
    if std::env::var_os("CIBA_BLESS").is_some() {
        table = blessed(&table, &tests);
        fs::write(&path, &table).unwrap();
    }
    all.extend(faults(&table, &ROWS, &tests));
    assert!(all.is_empty(), "{TABLE} (CIBA_BLESS=1 writes the tests anew):\n{}", all.join("\n"));
}

#[test]
fn each_fault_of_a_table_is_found() {
    let test = |file: &str, name: &str| (file.to_owned(), name.to_owned());
    let tests = Tests::from([
        test("src/a.rs", "it_is_so_r01"),
        test("tests/b.rs", "both_are_so_r01_r02"),
        test("tests/b.rs", "of_no_row"),
    ]);
    let good = "| Row | Requirement | Source | Tests |\n|---|---|---|---|\n\
                | R-01 | Be so. | RFC 1 | `src/a.rs`: `it_is_so_r01`<br>`tests/b.rs`: `both_are_so_r01_r02` |\n\
                | R-02 | Be so too. | RFC 2 | `tests/b.rs`: `both_are_so_r01_r02` |\n";
    let rows = [(1, 2)];
    assert_eq!(faults(good, &rows, &tests), [""; 0]);
    let bare = good.replace("`src/a.rs`: `it_is_so_r01`<br>", "");
    assert_eq!(blessed(&bare, &tests), good);

    let both = "`tests/b.rs`: `both_are_so_r01_r02` |\n";
    for (from, to, expected) in [
        ("`src/a.rs`: `it_is_so_r01`<br>", "", vec![r#"r01 does not list ("src/a.rs", "it_is_so_r01")"#]),
        (
            "`it_is_so_r01`",
            "`it_is_so_r01`, `gone_r01`",
            vec![r#"r01: there is no test ("src/a.rs", "gone_r01")"#],
        ),
        (
            "`it_is_so_r01`<br>`tests/b.rs`: ",
            "`it_is_so_r01`<br>`tests/b.rs`: `of_no_row`, ",
            vec![r#"r01 is not in the name of ("tests/b.rs", "of_no_row")"#],
        ),
        ("Be so. ", "", vec!["R-01 says nothing, or not where it comes from"]),
        ("| RFC 2 |", "| |", vec!["R-02 says nothing, or not where it comes from"]),
        (
            &format!("Be so too. | RFC 2 | {both}"),
            "Be so too. | RFC 2 | |\n",
            vec!["r02 has no test", r#"r02 does not list ("tests/b.rs", "both_are_so_r01_r02")"#],
        ),
        (
            "R-02",
            "R-03",
            vec![
                "r02 is missing",
                "there is no r03",
                r#"r03 is not in the name of ("tests/b.rs", "both_are_so_r01_r02")"#,
                r#"r02 does not list ("tests/b.rs", "both_are_so_r01_r02")"#,
            ],
        ),
    ] {
        assert!(good.contains(from), "{from}");
        assert_eq!(faults(&good.replacen(from, to, 1), &rows, &tests), expected, "{from} -> {to}");
    }
    let second = good.lines().nth(3).unwrap();
    assert_eq!(faults(&format!("{good}{second}\n"), &rows, &tests), ["R-02 stands there twice"]);
}

#[test]
fn what_is_run_is_a_test_and_what_only_calls_itself_one_is_not() {
    let found = |file: &str, text: &str| {
        let (mut tests, mut faults) = (Tests::new(), Vec::new());
        tests_in(file, text, &mut tests, &mut faults);
        (tests.into_iter().map(|(_, name)| name).collect::<Vec<_>>(), faults.len())
    };
    let name = || vec!["it_is_so_r01".to_owned()];
    for (text, tests, faults) in [
        ("    #[test]\n    fn it_is_so_r01() {", name(), 0),
        ("#[test]\n// Why.\n#[cfg(unix)]\nfn it_is_so_r01() {", name(), 0),
        ("fn it_is_so_r01() {", vec![], 1),
        ("#[test]\nfn it_is_so() {}\nfn it_is_so_r01() {", vec!["it_is_so".to_owned()], 1),
        ("#[test]\n#[ignore = \"slow\"]\nfn it_is_so_r01() {", vec![], 1),
        ("fn it_is_so() {", vec![], 0),
    ] {
        assert_eq!(found("a.rs", text), (tests, faults), "{text}");
    }
    let python = "def test_it_r01(provider):\nasync def test_that_r02():\ndef helped_r03():\ndef other():";
    assert_eq!(found("a.py", python), (vec!["test_it_r01".to_owned(), "test_that_r02".to_owned()], 1));
}
