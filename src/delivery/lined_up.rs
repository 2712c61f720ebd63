//! Lanes in which something may wait that nobody lets go.
//!
//! Whoever finishes the head of a lane lets the next one go, but does not see what lines up at that very moment. So
//! a lane is looked at once something has lined up in it, and again until nothing can be under way any more that
//! began before. All lanes are looked at where others may have lined up, or nobody remembers it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// When a lane is looked at. The last look comes after the longest that a result may take to be written.
const LOOKS: [Duration; 4] =
    [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(40)];

/// What is to be looked at.
#[derive(Debug, Default)]
pub(super) struct LinedUp {
    waves: Mutex<Vec<Wave>>,
    noted: Notify,
}

/// Lanes that lined up together; none names all lanes.
#[derive(Debug)]
pub(super) struct Wave {
    pub(super) lanes: Option<Vec<i64>>,
    since: Instant,
    looks: usize,
}

impl Wave {
    fn new(lanes: Option<Vec<i64>>) -> Self {
        Self { lanes, since: Instant::now(), looks: 0 }
    }
}

impl LinedUp {
    fn waves(&self) -> MutexGuard<'_, Vec<Wave>> {
        self.waves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something lined up in these.
    pub(super) fn note(&self, lanes: Vec<i64>) {
        if !lanes.is_empty() {
            self.waves().push(Wave::new(Some(lanes)));
            self.noted.notify_one();
        }
    }

    /// Something may have lined up anywhere. That takes a look at all that waits, so it does not hurry; and what was
    /// noted before is seen by the same looks.
    pub(super) fn note_all(&self) {
        let mut waves = self.waves();
        waves.retain(|wave| wave.lanes.is_some());
        waves.push(Wave::new(None));
    }

    /// Waits for what is noted by name.
    pub(super) async fn noted(&self) {
        self.noted.notified().await;
    }

    /// Takes what is to be looked at now; all lanes only where they may be.
    pub(super) fn take(&self, now: Instant, may_be_all: bool) -> Vec<Wave> {
        let is_due = |wave: &mut Wave| {
            let after = LOOKS.get(wave.looks).copied().unwrap_or_default();
            now >= wave.since + after && (may_be_all || wave.lanes.is_some())
        };
        self.waves().extract_if(.., is_due).collect()
    }

    /// Puts back what was taken: to be looked at later, or now where it could not be.
    pub(super) fn put_back(&self, mut taken: Vec<Wave>, is_seen: bool) {
        for wave in &mut taken {
            wave.looks += usize::from(is_seen);
        }
        self.waves().extend(taken.into_iter().filter(|wave| wave.looks < LOOKS.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_looked_at_until_nothing_can_be_under_way() {
        let lined_up = LinedUp::default();
        lined_up.note(vec![1, 2]);
        lined_up.note(Vec::new());
        let begun = Instant::now();
        let mut looks = Vec::new();
        for second in 0..60 {
            let taken = lined_up.take(begun + Duration::from_secs(second), false);
            if !taken.is_empty() {
                assert_eq!(taken[0].lanes, Some(vec![1, 2]));
                looks.push(second);
                // The first attempt at the second look fails.
                lined_up.put_back(taken, second != 1);
            }
        }
        assert_eq!(looks, [0, 1, 2, 5, 40]);
        assert!(lined_up.waves().is_empty());
    }

    #[test]
    fn all_lanes_are_looked_at_only_now_and_then() {
        let lined_up = LinedUp::default();
        lined_up.note_all();
        lined_up.note_all();
        lined_up.note(vec![1]);
        let lanes = |taken: &[Wave]| -> Vec<bool> {
            taken.iter().map(|wave| wave.lanes.is_some()).collect()
        };
        let now = Instant::now();
        assert_eq!(lanes(&lined_up.take(now, false)), [true]);
        assert_eq!(lanes(&lined_up.take(now, true)), [false]);
    }
}
