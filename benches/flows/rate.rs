//! The most polls per second at 64 in flight: a set of flows that are due at once, beside bare tasks that
//! make the same exchange. Rounds of both alternate; each round is printed as a line of JSON.

use std::thread;
use std::time::{Duration, Instant};

use ciba::{Flow, FlowSet};

use super::bare::Bare;
use super::measure::{cpu_ns, print, print_samples};
use super::{Result, STARTS, TEXT, client, request, start};

/// A round: polls, wall time and CPU time.
fn round(name: &str, poll: impl FnOnce() -> Result<u64>) -> Result<u64> {
    let (began, cpu) = (Instant::now(), cpu_ns());
    let polls = poll()?;
    let (ns, cpu) = (began.elapsed().as_nanos(), cpu_ns() - cpu);
    print_samples(name, [i128::from(polls), i128::try_from(ns)?, i128::from(cpu)]);
    Ok(polls)
}

fn polls_of(flows: &[Flow]) -> u64 {
    flows.iter().map(|flow| flow.progress().polls).sum()
}

/// Has the set ask for the flows for so long, until no answer is missing.
fn poll(set: &FlowSet<usize>, flows: &[Flow], how_long: Duration) -> Result<u64> {
    let before = polls_of(flows);
    for (number, flow) in flows.iter().enumerate() {
        set.add(flow, number)?;
    }
    if set.wait(Some(how_long))?.is_some() {
        return Err("a flow has ended".into());
    }
    for flow in flows {
        set.remove(flow)?;
    }
    while flows.iter().any(Flow::is_asking) {
        thread::yield_now();
    }
    Ok(polls_of(flows) - before)
}

pub fn measure(numbers: &[u64]) -> Result<()> {
    let [rounds, ms] = *numbers else { return Err("two numbers are needed".into()) };
    let how_long = Duration::from_millis(ms);
    let client = client(None)?;
    let set = FlowSet::new(&client)?;
    let mut flows = Vec::new();
    start(
        &client,
        0..STARTS,
        |_| request(TEXT, ""),
        |_, flow| {
            flows.push(flow);
            Ok(())
        },
    )?;
    let identifiers = flows.iter().filter_map(Flow::auth_req_id);
    let identifiers: Vec<String> =
        identifiers.map(|id| secrecy::ExposeSecret::expose_secret(&id).to_owned()).collect();
    let bare = Bare::new(&identifiers)?;
    let mut polls = round("warm", || poll(&set, &flows, how_long))?;
    polls += round("warm", || bare.poll(how_long))?;
    for _ in 0..rounds {
        polls += round("ciba", || poll(&set, &flows, how_long))?;
        polls += round("bare", || bare.poll(how_long))?;
    }
    print("polls", polls);
    Ok(())
}
