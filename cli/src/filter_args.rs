//! The arguments of `search` and `ask` that become a filter.

use clap::Args;
use domain::{Filter, Language};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use web::api::filter::FilterRequest;

use crate::messages::message;
use crate::value_parsers;

/// Conditions on the passages to search; the collection is a global option.
#[derive(Debug, Args)]
pub(crate) struct FilterArguments {
    #[arg(long = "tag", value_name = "TAG", value_parser = value_parsers::tag)]
    tags: Vec<String>,
    #[arg(long = "language", value_name = "CODE", value_parser = value_parsers::language)]
    languages: Vec<Language>,
    #[arg(long, value_name = "DATE", value_parser = moment)]
    from: Option<Timestamp>,
    #[arg(long, value_name = "DATE", value_parser = moment)]
    until: Option<Timestamp>,
}

impl FilterArguments {
    /// The filter of a request.
    pub(crate) fn request(&self) -> FilterRequest {
        let Self { tags, languages, from, until } = self;
        FilterRequest::from(&Filter {
            documents: Vec::new(),
            tags: tags.clone(),
            languages: languages.clone(),
            from: *from,
            until: *until,
        })
    }
}

/// A time, or the start of a day in the local time zone.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let day: Date = text.parse().map_err(|_| message!("cli-invalid-date"))?;
    let start = day.to_zoned_datetime(TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(start.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_the_local_time_zone() {
        let day: Date = "2026-03-01".parse().unwrap();
        let here = day.to_zoned_datetime(TimeZone::system()).unwrap().timestamp();
        assert_eq!(moment("2026-03-01"), Ok(here));
        assert_eq!(moment("2026-03-01T09:00:00+09:00").unwrap().to_string(), "2026-03-01T00:00:00Z");
        for bad in ["", "yesterday", "2026-13-01"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
