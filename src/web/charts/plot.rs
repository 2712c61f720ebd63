//! Geometry of the charts: positions in a drawing of [`HEIGHT`], with [`BAR_WIDTH`] for each bar.

/// Height of the drawing, in its own units.
pub(super) const HEIGHT: i64 = 1000;
/// Width of the place of a bar, in the same units.
pub(super) const BAR_WIDTH: usize = 10;
/// Space between two bars.
const GAP: usize = 3;
/// Minimum height of a bar that is not empty.
const MIN_HEIGHT: i64 = 15;

/// Part of a bar in one color.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Segment {
    pub(in crate::web) class: &'static str,
    pub(in crate::web) x: usize,
    pub(in crate::web) width: usize,
    pub(in crate::web) y: i64,
    pub(in crate::web) height: i64,
}

/// The smallest of 1, 2 or 5 times a power of ten that is not less than a value. At least 1.
pub(super) fn nice_maximum(value: i64) -> i64 {
    let mut step: i64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let maximum = step.saturating_mul(factor);
            if value <= maximum {
                return maximum;
            }
        }
        step = step.saturating_mul(10);
    }
}

/// Scales a value to the height of the drawing.
fn scale(value: i64, maximum: i64) -> i64 {
    let height = i128::from(value) * i128::from(HEIGHT) / i128::from(maximum.max(1));
    i64::try_from(height).unwrap_or(HEIGHT).clamp(0, HEIGHT)
}

/// Stacks the parts of a bar on each other, from the bottom. Parts of zero are left out.
pub(super) fn stack(index: usize, parts: &[(&'static str, i64)], maximum: i64) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut top = HEIGHT;
    for (class, count) in parts.iter().filter(|(_, count)| *count > 0) {
        let height = scale(*count, maximum).max(MIN_HEIGHT).min(top);
        top -= height;
        let (x, width) = (index * BAR_WIDTH + GAP / 2, BAR_WIDTH - GAP);
        segments.push(Segment { class, x, width, y: top, height });
    }
    segments
}

/// Path data of a line through the middle of the bars, with gaps where there is no value.
pub(super) fn line(values: &[Option<i64>], maximum: i64) -> String {
    let mut is_drawing = false;
    let steps = values.iter().enumerate().map(|(index, value)| {
        let was_drawing = std::mem::replace(&mut is_drawing, value.is_some());
        let command = if was_drawing { 'L' } else { 'M' };
        value.map_or_else(String::new, |value| format!("{command}{}", point(index, value, maximum)))
    });
    steps.collect()
}

/// Path data of the values between two gaps, which a line does not show. A line without length is drawn as a dot, because
/// its ends are round.
pub(super) fn dots(values: &[Option<i64>], maximum: i64) -> String {
    let is_gap = |index: Option<usize>| index.and_then(|index| *values.get(index)?).is_none();
    let alone = values
        .iter()
        .enumerate()
        .filter(|(index, _)| is_gap(index.checked_sub(1)) && is_gap(index.checked_add(1)));
    let dots =
        alone.filter_map(|(index, value)| Some(format!("M{}h0", point(index, (*value)?, maximum))));
    dots.collect()
}

fn point(index: usize, value: i64, maximum: i64) -> String {
    format!("{} {}", index * BAR_WIDTH + BAR_WIDTH / 2, HEIGHT - scale(value, maximum))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn maxima_are_round_numbers() {
        for (value, maximum) in [(0, 1), (1, 1), (3, 5), (17, 20), (21, 50), (1_000_001, 2_000_000)]
        {
            assert_eq!(nice_maximum(value), maximum);
        }
        assert_eq!(nice_maximum(i64::MAX), i64::MAX);
    }

    #[test]
    fn a_line_has_gaps_and_dots() {
        let values = [Some(10), Some(5), None, Some(0), None];
        assert_eq!(line(&values, 10), "M5 0L15 500M35 1000");
        assert_eq!(dots(&values, 10), "M35 1000h0");
        assert_eq!(
            (line(&[None, None], 10), dots(&[Some(1)], 1)),
            (String::new(), "M5 0h0".to_owned())
        );
    }

    proptest! {
        #[test]
        fn bars_stay_within_the_drawing(counts in vec(0_i64..1_000_000_000_000, 3)) {
            let maximum = nice_maximum(counts.iter().sum());
            let parts = [("good", counts[0]), ("bad", counts[1]), ("warn", counts[2])];
            let segments = stack(2, &parts, maximum);
            prop_assert_eq!(segments.len(), counts.iter().filter(|count| **count > 0).count());
            let mut below = HEIGHT;
            for Segment { y, height, .. } in segments {
                prop_assert!(y >= 0 && height > 0 && y + height == below);
                below = y;
            }
        }
    }
}
