//! Reads `robots.txt` (RFC 9309).

use domain::{RobotsRule, RobotsRules, robots_path};

/// What is behind this many bytes is ignored: the limit that the standard names.
const MAX_BYTES: usize = 500 * 1024;

/// Reads what a file says to `robot`: the groups of that name, or those for everybody. What is not understood is ignored.
pub(crate) fn read(file: &[u8], robot: &str) -> RobotsRules {
    let end = match file.get(..MAX_BYTES) {
        // Half a rule would be another one.
        Some(part) => part.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or_default(),
        None => file.len(),
    };
    let text = String::from_utf8_lossy(&file[..end]);
    let (mut own, mut others, mut sitemaps) = (Group::default(), Group::default(), Vec::new());
    let mut reading = Reading::default();
    for line in text.trim_start_matches('\u{feff}').lines().flat_map(|line| line.split('\r')) {
        let Some((key, value)) = line.split('#').next().and_then(|line| line.split_once(':')) else {
            continue;
        };
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "user-agent" => reading.begin(value, robot),
            "sitemap" => sitemaps.push(value.to_owned()),
            key => {
                reading.is_naming = false;
                if reading.is_own {
                    own.add(key, value);
                }
                if reading.is_for_all {
                    others.add(key, value);
                }
            }
        }
        own.is_there |= reading.is_own;
    }
    let Group { rules, delay_seconds, .. } = if own.is_there { own } else { others };
    RobotsRules { rules, delay_seconds, sitemaps }
}

/// Whom the group that is being read is for.
#[derive(Default)]
struct Reading {
    /// Whether the last line named a robot: a group begins with one or more.
    is_naming: bool,
    is_own: bool,
    is_for_all: bool,
}

impl Reading {
    fn begin(&mut self, named: &str, robot: &str) {
        if !self.is_naming {
            (self.is_own, self.is_for_all) = (false, false);
        }
        self.is_naming = true;
        // The version behind the name does not count.
        let is_of_name = |character: char| character.is_ascii_alphabetic() || matches!(character, '-' | '_');
        let name = named.split(|character| !is_of_name(character)).next().unwrap_or_default();
        self.is_own |= name.eq_ignore_ascii_case(robot);
        self.is_for_all |= named.starts_with('*');
    }
}

#[derive(Default)]
struct Group {
    is_there: bool,
    rules: Vec<RobotsRule>,
    delay_seconds: Option<f32>,
}

impl Group {
    fn add(&mut self, key: &str, value: &str) {
        match key {
            // An empty pattern matches nothing.
            "allow" | "disallow" if !value.is_empty() => {
                self.rules.push(RobotsRule { allows: key == "allow", pattern: robots_path(value) });
            }
            "crawl-delay" => self.delay_seconds = value.parse().ok().or(self.delay_seconds),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(file: &str) -> RobotsRules {
        read(file.as_bytes(), "daedap")
    }

    #[test]
    fn the_own_group_counts_and_otherwise_that_of_everybody() {
        let file = "User-agent: *\nDisallow: /all/ # not here\nCrawl-delay: 2\n\nUser-agent: other\nUser-agent: DaeDap/1.0\n\
                    Disallow: /own/\nUser-agent: last\nDisallow: /\nSitemap: https://example.com/a.xml\n";
        let own = rules(file);
        assert!(own.allow("/all/x") && !own.allow("/own/x") && own.allow("/"));
        assert_eq!((own.delay_seconds, own.sitemaps), (None, vec!["https://example.com/a.xml".to_owned()]));
        let all = read(file.as_bytes(), "somebody");
        assert!(!all.allow("/all/x") && all.allow("/own/x"));
        assert_eq!(all.delay_seconds, Some(2.0));
    }

    #[test]
    fn groups_of_one_name_are_one_and_an_empty_one_allows_everything() {
        let both = rules(
            "User-agent: daedap\nDisallow: /a\nUser-agent: x\nDisallow: /b\nUser-agent: daedap\nDisallow: /c\n",
        );
        assert!(!both.allow("/a") && both.allow("/b") && !both.allow("/c"));
        let empty = rules("User-agent: *\nDisallow: /\nUser-agent: daedap\nDisallow:\n");
        assert!(empty.allow("/a"));
        assert!(rules("Disallow: /\n<html>404: not found</html>").allow("/a"), "rules of nobody");
        assert!(!rules("\u{feff}user-agent:*\rdisallow:/a\r").allow("/a"));
    }

    #[test]
    fn only_the_beginning_of_a_long_file_counts() {
        let file = format!("User-agent: *\nDisallow: /a\n{}Disallow: /b\n", "# x\n".repeat(MAX_BYTES / 4));
        let rules = rules(&file);
        assert!(!rules.allow("/a") && rules.allow("/b"));
    }
}
