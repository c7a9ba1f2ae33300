//! Money: US dollars, exact, as a decimal string in JSON.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in US dollars, held as whole nano-dollars (10⁻⁹ USD) so that sums are exact:
/// prices per million tokens have at most a few decimals, and an `i64` reaches nine billion dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

const NANOS_PER_DOLLAR: i64 = 1_000_000_000;

impl Money {
    pub const ZERO: Money = Money(0);

    pub fn from_nanos(nanos: i64) -> Self {
        Money(nanos)
    }

    pub fn nanos(self) -> i64 {
        self.0
    }

    /// To cents, for people: `$0.07`.
    pub fn to_cents(self) -> String {
        let cents = (self.0 + NANOS_PER_DOLLAR / 200).div_euclid(NANOS_PER_DOLLAR / 100);
        format!("${}.{:02}", cents / 100, cents % 100)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs() / NANOS_PER_DOLLAR as u64;
        let part = self.0.unsigned_abs() % NANOS_PER_DOLLAR as u64;
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        write!(f, "{sign}{whole}.{}", format!("{part:09}").trim_end_matches('0'))
    }
}

/// A text that is no amount in US dollars.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no amount of money; write US dollars as a decimal such as \"2.50\"")]
pub struct ParseMoneyError(String);

impl FromStr for Money {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ParseMoneyError(text.to_owned());
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || part.len() > 9 || !digits(whole) || !digits(part) {
            return Err(refuse());
        }
        let whole: i64 = whole.parse().map_err(|_| refuse())?;
        let part: i64 = format!("{part:0<9}").parse().map_err(|_| refuse())?;
        whole.checked_mul(NANOS_PER_DOLLAR).and_then(|nanos| nanos.checked_add(part)).map(Money).ok_or_else(refuse)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "ssr")]
impl utoipa::PartialSchema for Money {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(r"^\d+(\.\d{1,9})?$"))
            .description(Some("US dollars as a decimal"))
            .into()
    }
}

#[cfg(feature = "ssr")]
impl utoipa::ToSchema for Money {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact_text() {
        for text in ["0", "2.5", "0.000000001", "12.07"] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), text);
        }
        for text in ["", ".5", "-1", "1e3", "0.0000000001", "99999999999999999999"] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
        assert_eq!("0.065".parse::<Money>().unwrap().to_cents(), "$0.07");
        assert_eq!("1234.5".parse::<Money>().unwrap().to_cents(), "$1234.50");
    }
}
