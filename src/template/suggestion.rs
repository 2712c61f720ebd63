//! Suggestions for misspelled names.

/// Longest part of a name that is compared, in characters. Longer names come only from hostile templates.
const MAX_COMPARED_CHARS: usize = 100;

/// Returns the known name with the smallest edit distance, if it is close enough to be what was meant.
pub(super) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let length = name.chars().count();
    let max_distance = (length / 4).clamp(1, 4);
    known
        // Inserting the missing characters alone would take more edits.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= max_distance)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= max_distance)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edit distance without regard to ASCII case.
fn distance(left: &str, right: &str) -> usize {
    let prefix = |text: &str| -> String {
        text.chars().take(MAX_COMPARED_CHARS).map(|c| c.to_ascii_lowercase()).collect()
    };
    strsim::levenshtein(&prefix(left), &prefix(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_suggested() {
        let known = ["event_time", "event_type", "id"];
        let suggest = |name| nearest(name, known.into_iter());
        assert_eq!(suggest("event_typ"), Some("event_type"));
        assert_eq!(suggest("EVENT_TIME"), Some("event_time"));
        assert_eq!(suggest("di"), None);
        assert_eq!(suggest("justification"), None);
        assert_eq!(suggest(""), None);
    }

    #[test]
    fn distant_names_of_any_length_are_compared_quickly() {
        assert_eq!(distance(&"a".repeat(60_000), &"b".repeat(60_000)), MAX_COMPARED_CHARS);
    }
}
