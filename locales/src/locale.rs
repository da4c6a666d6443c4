//! Chooses a locale from what a caller prefers: environment variables, an `Accept-Language` header, or a code.

/// A language that the catalogue has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Locale {
    /// English, also for whoever prefers a language that the catalogue does not have.
    #[default]
    En,
    /// Korean.
    Ko,
}

/// The variables that choose the language of messages, the strongest first (POSIX, section 8.2).
const VARIABLES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

impl Locale {
    /// Every locale.
    pub const ALL: [Self; 2] = [Self::En, Self::Ko];

    /// The language code: `en` or `ko`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }

    /// The locale with the language of `tag`, which may have a region and more: `ko`, `ko-KR`, `ko_KR.UTF-8`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let language = primary_subtag(tag);
        Self::ALL.into_iter().find(|locale| locale.as_str().eq_ignore_ascii_case(language))
    }

    /// The locale of an environment: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set and not empty decides.
    /// `value_of` gives a variable's value.
    pub fn from_env(value_of: impl Fn(&str) -> Option<String>) -> Self {
        let value = VARIABLES.into_iter().filter_map(value_of).find(|value| !value.is_empty());
        value.and_then(|value| Self::from_tag(&value)).unwrap_or_default()
    }

    /// The locale that an `Accept-Language` header prefers (RFC 9110, section 12.5.4). Of equal preferences the first
    /// one counts; entries that break the syntax do not count.
    pub fn from_accept_language(header: &str) -> Self {
        let ranges: Vec<Range<'_>> = header.split(',').filter_map(Range::parse).collect();
        let mut best: Option<(f32, usize, Self)> = None;
        for locale in Self::ALL {
            let Some((position, quality)) = quality_of(locale, &ranges) else { continue };
            let is_better = best.is_none_or(|(best_quality, best_position, _)| {
                quality > best_quality || (quality == best_quality && position < best_position)
            });
            if quality > 0.0 && is_better {
                best = Some((quality, position, locale));
            }
        }
        best.map(|(_, _, locale)| locale).unwrap_or_default()
    }
}

/// One entry of an `Accept-Language` header.
struct Range<'a> {
    tag: &'a str,
    quality: f32,
}

impl<'a> Range<'a> {
    fn parse(entry: &'a str) -> Option<Self> {
        let mut parts = entry.split(';').map(str::trim);
        let tag = parts.next().filter(|tag| !tag.is_empty())?;
        let quality = match parts.next() {
            None => 1.0,
            Some(weight) => weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?.parse().ok()?,
        };
        (0.0..=1.0).contains(&quality).then_some(Self { tag, quality })
    }
}

/// The position and quality of the range that decides on `locale`: one that names it, else `*`.
fn quality_of(locale: Locale, ranges: &[Range<'_>]) -> Option<(usize, f32)> {
    let position = ranges
        .iter()
        .position(|range| Locale::from_tag(range.tag) == Some(locale))
        .or_else(|| ranges.iter().position(|range| range.tag == "*"))?;
    Some((position, ranges.get(position)?.quality))
}

fn primary_subtag(tag: &str) -> &str {
    tag.split(['-', '_', '.', '@']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_variable_that_is_set_decides() {
        for (all, messages, lang, expected) in [
            ("ko_KR.UTF-8", "", "en_US.UTF-8", Locale::Ko),
            ("", "ko", "C", Locale::Ko),
            ("", "", "ko_KR", Locale::Ko),
            ("C", "ko_KR.UTF-8", "ko_KR.UTF-8", Locale::En),
            ("POSIX", "", "ko_KR.UTF-8", Locale::En),
            ("", "", "ko@euro", Locale::Ko),
            ("", "", "kok_IN", Locale::En),
            ("", "", "de_DE.UTF-8", Locale::En),
            ("", "", "", Locale::En),
        ] {
            let value_of = |name: &str| {
                let value = match name {
                    "LC_ALL" => all,
                    "LC_MESSAGES" => messages,
                    "LANG" => lang,
                    _ => panic!("{name} is not asked for"),
                };
                Some(value.to_owned())
            };
            assert_eq!(Locale::from_env(value_of), expected, "{all:?} {messages:?} {lang:?}");
        }
        assert_eq!(Locale::from_env(|_| None), Locale::En);
    }

    #[test]
    fn the_header_is_weighed() {
        for (header, expected) in [
            ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", Locale::Ko),
            ("en-US,en;q=0.9,ko;q=0.8", Locale::En),
            ("en;q=0.2, ko;q=0.9", Locale::Ko),
            ("ko;q=0.5 , en ; q=0.5", Locale::Ko),
            ("en, ko", Locale::En),
            ("KO", Locale::Ko),
            ("fr-FR, ko;q=0.3", Locale::Ko),
            ("fr-FR, *;q=0.3", Locale::En),
            ("en;q=0, *", Locale::Ko),
            ("ko;q=0", Locale::En),
            ("ko;q=0, en;q=0", Locale::En),
            ("kok", Locale::En),
            ("ko;q=2, en;q=0.1", Locale::En),
            ("ko;q=x, en;q=0.1", Locale::En),
            ("ko;level=1, en;q=0.1", Locale::En),
            (",,;q=1,", Locale::En),
            ("", Locale::En),
        ] {
            assert_eq!(Locale::from_accept_language(header), expected, "{header:?}");
        }
    }

    #[test]
    fn a_code_names_its_locale() {
        for locale in Locale::ALL {
            assert_eq!(Locale::from_tag(locale.as_str()), Some(locale));
        }
        assert_eq!(Locale::from_tag("fr"), None);
        assert_eq!(Locale::from_tag(""), None);
    }
}
