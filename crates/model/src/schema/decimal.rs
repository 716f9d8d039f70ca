//! Numbers of JSON as they are written: exact, so that `0.1` is a tenth and 2^53 + 1 is not 2^53.

use std::cmp::Ordering;

/// A decimal number: `mantissa · 10^exponent`, without zeros at the end of the mantissa. So equal numbers are equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    mantissa: i128,
    exponent: i32,
}

/// Digits that count in one number.
const DIGITS_MAX: u32 = 36;

impl Decimal {
    /// A whole number.
    #[must_use]
    pub fn whole(number: i64) -> Self {
        Self { mantissa: i128::from(number), exponent: 0 }.plain()
    }

    /// Reads a number of JSON (RFC 8259 §6). `None`: it is none, has more than 36 digits that count, or an exponent beyond ±1,000,000.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (negative, digits) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            _ => (false, text),
        };
        let (mut mantissa, mut exponent, mut count) = (0_i128, 0_i32, 0_u32);
        let (mut behind_point, mut seen) = (false, false);
        let mut rest = digits.iter();
        while let Some(byte) = rest.next() {
            match byte {
                b'0'..=b'9' => {
                    seen = true;
                    if mantissa != 0 || *byte != b'0' {
                        count += 1;
                        if count > DIGITS_MAX {
                            return None;
                        }
                    }
                    mantissa = mantissa * 10 + i128::from(byte - b'0');
                    exponent -= i32::from(behind_point);
                }
                b'.' if !behind_point => behind_point = true,
                b'e' | b'E' => {
                    let power: i32 = std::str::from_utf8(rest.as_slice()).ok()?.parse().ok()?;
                    if power.unsigned_abs() > 1_000_000 {
                        return None;
                    }
                    exponent += power;
                    break;
                }
                _ => return None,
            }
        }
        seen.then(|| Self { mantissa: if negative { -mantissa } else { mantissa }, exponent }.plain())
    }

    fn plain(mut self) -> Self {
        if self.mantissa == 0 {
            return Self { mantissa: 0, exponent: 0 };
        }
        while self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.exponent += 1;
        }
        self
    }

    /// Whether it has no fraction.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.exponent >= 0
    }

    /// Whether it is `step`, taken some whole number of times. `None`: the numbers lie too far apart to say.
    #[must_use]
    pub fn is_multiple_of(self, step: Self) -> Option<bool> {
        if step.mantissa == 0 {
            return None;
        }
        let common = self.exponent.min(step.exponent);
        let one = self.mantissa.checked_mul(power(self.exponent - common)?)?;
        let other = step.mantissa.checked_mul(power(step.exponent - common)?)?;
        Some(one % other == 0)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs != Ordering::Equal || self.exponent == other.exponent {
            return signs.then(self.mantissa.cmp(&other.mantissa));
        }
        let common = self.exponent.min(other.exponent);
        let scaled = |number: &Self| number.mantissa.checked_mul(power(number.exponent.checked_sub(common)?)?);
        match (scaled(self), scaled(other)) {
            (Some(one), Some(two)) => one.cmp(&two),
            // Whichever cannot be written out has so many digits that it is further from zero.
            (None, _) => {
                if self.mantissa > 0 {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (Some(_), None) => {
                if other.mantissa > 0 {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

fn power(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}
