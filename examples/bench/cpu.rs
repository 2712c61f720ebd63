//! CPU time and memory of processes, from `/proc`.

use std::fs;
use std::time::Duration;

/// Returns the CPU time of a process and its descendants, including exited ones.
pub(crate) fn time(pid: u32) -> Duration {
    let ticks: u64 = tree(pid).into_iter().map(ticks).sum();
    // The kernel counts in hundredths of a second for every user program (USER_HZ).
    Duration::from_millis(ticks * 10)
}

/// Returns the CPU time of a process alone.
pub(crate) fn own_time(pid: u32) -> Duration {
    Duration::from_millis(ticks(pid) * 10)
}

/// Returns the resident memory of a process, in bytes.
pub(crate) fn resident(pid: u32) -> u64 {
    memory(pid, "VmRSS:")
}

/// Returns the highest resident memory of a process since its start, in bytes.
pub(crate) fn peak_resident(pid: u32) -> u64 {
    memory(pid, "VmHWM:")
}

fn memory(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default()
        * 1024
}

fn stat(pid: u32) -> Option<Vec<u64>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may contain blanks and parentheses. The fields begin after the last parenthesis.
    let fields = text.rsplit_once(')')?.1;
    Some(fields.split_whitespace().skip(1).map(|field| field.parse().unwrap_or_default()).collect())
}

fn ticks(pid: u32) -> u64 {
    // utime, stime, cutime, cstime: fields 14 to 17; the parent is field 4.
    stat(pid).map_or(0, |fields| fields[10..14].iter().sum())
}

/// Returns a process and its descendants.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut all = vec![root];
    let processes: Vec<(u32, u64)> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_string_lossy().parse().ok())
        .filter_map(|pid| Some((pid, stat(pid)?[0])))
        .collect();
    let mut at = 0;
    while at < all.len() {
        let parent = u64::from(all[at]);
        all.extend(processes.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    all
}
