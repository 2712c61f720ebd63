//! The `date` helper: formats epoch seconds in a time zone.

use std::borrow::Cow;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;

use super::error::{TemplateErrorKind as Kind, shorten};
use super::operand::Operand;

/// Longest date format, in bytes.
const MAX_FORMAT_BYTES: usize = 100;

/// Longest number that is read as a time, in bytes.
const MAX_EPOCH_BYTES: usize = 100;

pub(super) fn check_format(format: &str) -> Result<(), Kind> {
    let is_valid = format.len() <= MAX_FORMAT_BYTES
        && StrftimeItems::new(format).all(|item| !matches!(item, Item::Error));
    if is_valid { Ok(()) } else { Err(Kind::DateFormat(shorten(format))) }
}

/// Finds a zone of the IANA database, such as `Europe/Paris`.
pub(super) fn zone(name: &str) -> Result<Tz, Kind> {
    name.parse().map_err(|_unknown: chrono_tz::ParseError| Kind::TimeZone(shorten(name)))
}

/// Formats epoch seconds, by default in ISO 8601 and UTC. A value other than a time is returned unchanged.
pub(super) fn date<'a>(
    seconds: Operand<'a>,
    format: Option<&Operand<'a>>,
    zone_name: Option<&Operand<'a>>,
) -> Result<Operand<'a>, Kind> {
    let Some(time) = seconds.as_scalar().and_then(|digits| parse_epoch(&digits)) else {
        return Ok(seconds);
    };
    let format = format.map(scalar).transpose()?.filter(|format| !format.is_empty());
    if let Some(format) = &format {
        check_format(format)?;
    }
    let zone_name = zone_name.map(scalar).transpose()?.filter(|name| !name.is_empty());
    let formatted = match zone_name {
        Some(name) => format_time(&time.with_timezone(&zone(&name)?), format.as_deref()),
        None => format_time(&time, format.as_deref()),
    };
    Ok(Operand::Text(Cow::Owned(formatted)))
}

/// A format or the name of a zone.
fn scalar<'o>(argument: &'o Operand<'_>) -> Result<Cow<'o, str>, Kind> {
    let takes = "texts as format and time zone, not lists or objects";
    argument.as_scalar().ok_or(Kind::HelperArguments { helper: "date", takes })
}

fn format_time<Z: chrono::TimeZone>(time: &DateTime<Z>, format: Option<&str>) -> String
where
    Z::Offset: std::fmt::Display,
{
    match format {
        Some(format) => time.format(format).to_string(),
        None => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    }
}

/// Parses epoch seconds, such as `1696263265.851898000`. JSON also permits exponents, as in `1.696263265851E9`.
fn parse_epoch(digits: &str) -> Option<DateTime<chrono::Utc>> {
    if digits.len() > MAX_EPOCH_BYTES {
        return None;
    }
    let plain = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => Cow::Owned(shift(mantissa, exponent.parse().ok()?)?),
        None => Cow::Borrowed(digits),
    };
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    DateTime::from_timestamp(whole.parse().ok()?, nanos.parse().ok()?)
}

/// Moves the decimal point to the right. Times have few digits, so far shifts are not needed.
fn shift(mantissa: &str, places: i8) -> Option<String> {
    const MAX_PLACES: u8 = 20;
    if places.unsigned_abs() > MAX_PLACES {
        return None;
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let zeros = "0".repeat(usize::from(places.unsigned_abs()));
    let (from, to) = if places < 0 {
        (format!("{zeros}{whole}"), fraction.to_owned())
    } else {
        (whole.to_owned(), format!("{fraction}{zeros}"))
    };
    let digits = format!("{from}{to}");
    let point = from.len().checked_add_signed(isize::from(places))?;
    Some(format!("{}.{}", digits.get(..point)?, digits.get(point..)?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn call(arguments: &[Value]) -> Result<String, Kind> {
        let all: Vec<_> = arguments.iter().map(Operand::Json).collect();
        date(all[0].clone(), all.get(1), all.get(2))
            .map(|date| date.as_scalar().unwrap().into_owned())
    }

    #[test]
    fn epoch_seconds_become_dates() {
        let time: Value = serde_json::from_str("1696263265.851898000").unwrap();
        for (arguments, expected) in [
            (vec![time.clone()], "2023-10-02T16:14:25.851898Z"),
            (vec![json!(1_696_263_265)], "2023-10-02T16:14:25Z"),
            (vec![json!("1696263265")], "2023-10-02T16:14:25Z"),
            (vec![json!("1.696263265851E9")], "2023-10-02T16:14:25.851Z"),
            (vec![json!("16962632658e-1")], "2023-10-02T16:14:25.800Z"),
            (vec![json!("17e+8")], "2023-11-14T22:13:20Z"),
            (vec![json!("1e-21")], "1e-21"),
            (vec![json!("1e99")], "1e99"),
            (vec![json!("1e")], "1e"),
            (vec![time.clone(), json!("%d.%m.%Y %H:%M")], "02.10.2023 16:14"),
            (vec![json!(null)], ""),
            (vec![json!("soon")], "soon"),
            (vec![json!(99_999_999_999_999_999_i64)], "99999999999999999"),
        ] {
            assert_eq!(call(&arguments).unwrap(), expected);
        }
        assert!(matches!(call(&[time, json!("%Q")]), Err(Kind::DateFormat(_))));
    }

    #[test]
    fn zones_observe_daylight_saving_time() {
        let (summer, winter) = (json!(1_719_835_200), json!(1_704_110_400));
        let paris = json!("Europe/Paris");
        let hour = |time: &Value| call(&[time.clone(), json!("%H:%M %Z"), paris.clone()]).unwrap();
        assert_eq!((hour(&summer), hour(&winter)), ("14:00 CEST".into(), "13:00 CET".into()));
        let iso = call(&[summer.clone(), json!(""), json!("Asia/Kolkata")]).unwrap();
        assert_eq!(iso, "2024-07-01T17:30:00+05:30");
        assert!(matches!(call(&[summer, json!("%H"), json!("Paris")]), Err(Kind::TimeZone(_))));
    }
}
