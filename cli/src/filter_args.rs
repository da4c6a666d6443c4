//! What `search` and `ask` are narrowed to on the command line.

use anyhow::{Result, anyhow};
use clap::Args;
use domain::{Filter, Language};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::filter;

/// The arguments that become a filter; the collection is a word of every command.
#[derive(Debug, Args)]
pub(super) struct Narrow {
    /// Only documents with this tag, or with one of several
    #[arg(long = "tag", value_name = "TAG", value_parser = tag)]
    tags: Vec<String>,
    /// Only passages in this language (ko, en, …), or in one of several
    #[arg(long = "language", value_name = "CODE", value_parser = filter::language)]
    languages: Vec<Language>,
    /// Only documents of this date or later: a day here (2026-03-01) or a time (2026-03-01T09:00:00Z)
    #[arg(long, value_name = "DATE", value_parser = moment)]
    from: Option<Timestamp>,
    /// Only documents from before this date
    #[arg(long, value_name = "DATE", value_parser = moment)]
    until: Option<Timestamp>,
}

impl Narrow {
    /// The filter that they make.
    pub(super) fn filter(&self) -> Result<Filter> {
        let Self { tags, languages, from, until } = self;
        let filter = Filter {
            documents: Vec::new(),
            tags: tags.clone(),
            languages: languages.clone(),
            from: *from,
            until: *until,
        };
        filter::checked(filter)
            .map_err(|error| anyhow!("{}: {}", error.field.unwrap_or_default(), error.message))
    }
}

/// One tag, as it is stored.
pub(super) fn tag(text: &str) -> Result<String, String> {
    let checked = ingest::checked_tags([text]).map_err(|error| error.to_string())?;
    Ok(checked.concat())
}

/// A time, or the moment at which a day begins where the command runs.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let day: Date = text.parse().map_err(|_| "neither a day nor a time with its offset".to_owned())?;
    let start = day.to_zoned_datetime(TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(start.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_where_the_command_runs() {
        let day: Date = "2026-03-01".parse().unwrap();
        let here = day.to_zoned_datetime(TimeZone::system()).unwrap().timestamp();
        assert_eq!(moment("2026-03-01"), Ok(here));
        assert_eq!(moment("2026-03-01T09:00:00+09:00").unwrap().to_string(), "2026-03-01T00:00:00Z");
        for bad in ["", "yesterday", "2026-13-01"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
