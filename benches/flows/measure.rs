//! Time, memory, threads of this process, and facts as lines of JSON.

use std::fmt::Display;
use std::fs;

use rustix::time::{ClockId, clock_gettime};

use super::Result;

/// A variable of the environment that must be there.
pub fn needed(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| format!("{name} is missing").into())
}

/// The CPU time of this process with all its threads, in ns.
pub fn cpu_ns() -> i64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The memory of this process that is resident and in no file, in kB.
pub fn memory_kb() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).ok_or("no RssAnon")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// The names of the threads.
pub fn threads() -> Result<Vec<String>> {
    let name = |entry: std::io::Result<fs::DirEntry>| {
        Ok(fs::read_to_string(entry?.path().join("comm"))?.trim().to_owned())
    };
    fs::read_dir("/proc/self/task")?.map(name).collect()
}

/// One line of JSON.
pub fn print(name: &str, value: impl Display) {
    println!("{{\"{name}\": {value}}}");
}

/// One line of JSON.
pub fn print_samples<T: Display>(name: &str, values: impl IntoIterator<Item = T>) {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    print(name, format_args!("[{}]", values.join(",")));
}
