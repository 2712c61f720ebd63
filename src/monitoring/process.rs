//! The memory of this process.

use std::fs;

/// Returns the memory that the process uses, in bytes. `None` where the system does not report it as Linux does.
pub(super) fn resident_bytes() -> Option<u64> {
    parse(&fs::read_to_string("/proc/self/status").ok()?)
}

/// proc(5): `VmRSS:     12345 kB`.
fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_resident_memory() {
        let status = "VmPeak:\t  999 kB\nVmRSS:\t   12345 kB\nRssAnon:\t 1 kB\n";
        assert_eq!(parse(status), Some(12345 * 1024));
        assert_eq!(parse("VmRSS:\tmuch\n"), None);
        assert_eq!(parse(""), None);
    }
}
