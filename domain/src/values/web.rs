//! What is read of web sites: the links of a page, the entries of a sitemap, the rules of a `robots.txt`.

use serde::{Deserialize, Serialize};

/// The links and robots rules of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageLinks {
    /// Whether it is an HTML page at all.
    pub is_html: bool,
    /// The absolute address that the page names as its own.
    pub canonical: Option<String>,
    /// The absolute addresses it links to, in its order, without places within pages; none if it does not want its links
    /// to be followed.
    pub targets: Vec<String>,
    /// Whether it does not want to be indexed.
    pub is_noindex: bool,
}

/// The addresses in a sitemap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SitemapEntries {
    /// Addresses of pages.
    pub pages: Vec<String>,
    /// Addresses of further sitemaps.
    pub sitemaps: Vec<String>,
    /// Whether it is a sitemap from its beginning to its end. If not, it may have more addresses.
    pub is_whole: bool,
}

/// What a `robots.txt` says to one robot (RFC 9309). The default allows everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RobotsRules {
    /// The rules of its group; the longest pattern that matches a path decides.
    pub rules: Vec<RobotsRule>,
    /// Seconds between two requests that the site asks for.
    pub delay_seconds: Option<f32>,
    /// Addresses of the site's sitemaps.
    pub sitemaps: Vec<String>,
}

/// One line of a `robots.txt`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RobotsRule {
    /// Whether it allows what it matches.
    pub allows: bool,
    /// The beginning of a path, in the form of [`robots_path`]; `*` stands for anything, `$` at the end for the path's end.
    pub pattern: String,
}

impl RobotsRules {
    /// Whether a path with its query, as it stands in an address, may be fetched. Of two patterns of the same length the
    /// one that allows wins.
    pub fn allow(&self, path: &str) -> bool {
        let path = robots_path(path);
        let matching = self.rules.iter().filter(|rule| matches(&rule.pattern, &path));
        let longest = matching.max_by_key(|rule| (rule.pattern.len(), rule.allows));
        longest.is_none_or(|rule| rule.allows)
    }
}

/// The form in which paths and patterns are compared: percent-decoded, except where that would change what a path means.
pub fn robots_path(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let decoded = after.get(..2).filter(|_| first == b'%').and_then(hexadecimal);
        rest = if decoded.is_some() { &after[2..] } else { after };
        match decoded {
            Some(byte) if b"/*$%?#".contains(&byte) => bytes.extend(format!("%{byte:02X}").bytes()),
            Some(byte) => bytes.push(byte),
            None => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    u8::try_from(value(high)? * 16 + value(low)?).ok()
}

/// Each part between two `*` is looked for behind the one before, so the cost is that of the path.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, is_whole) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|beginning| path.strip_prefix(beginning)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return !is_whole || rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if is_whole && parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(rules: &[(bool, &str)], path: &str) -> bool {
        let rules = rules
            .iter()
            .map(|(allows, pattern)| RobotsRule { allows: *allows, pattern: robots_path(pattern) });
        RobotsRules { rules: rules.collect(), ..RobotsRules::default() }.allow(path)
    }

    #[test]
    fn the_longest_pattern_decides_and_of_two_the_one_that_allows() {
        let rules =
            [(false, "/help/"), (true, "/help/open"), (false, "/*.pdf$"), (true, "/same"), (false, "/same")];
        for (path, allowed) in [
            ("/", true),
            ("/help/a", false),
            ("/help/open/a", true),
            ("/a.pdf", false),
            ("/a.pdf?page=2", true),
            ("/a.pdf.pdf", false),
            ("/same", true),
        ] {
            assert_eq!(allow(&rules, path), allowed, "{path}");
        }
        assert!(allow(&[], "/a"));
    }

    #[test]
    fn stars_stand_for_anything_and_the_end_is_the_end() {
        for (pattern, path, matched) in [
            ("/a*b*c", "/a-b-c-d", true),
            ("/a*b*c$", "/a-b-c-d", false),
            ("/a*b*c$", "/a-b-c-c", true),
            ("*", "/anything", true),
            ("/a$", "/a", true),
            ("/a$", "/ab", false),
            ("/a*$", "/ab", true),
            ("/*a", "/b", false),
        ] {
            assert_eq!(!allow(&[(false, pattern)], path), matched, "{pattern} {path}");
        }
    }

    #[test]
    fn spellings_of_one_path_are_one() {
        assert!(!allow(&[(false, "/환불")], "/%ED%99%98%eb%b6%88/a"));
        assert!(!allow(&[(false, "/%7Ejoe")], "/~joe"));
        assert!(allow(&[(false, "/a/b")], "/a%2Fb"), "an encoded slash divides nothing");
        assert!(allow(&[(false, "/%zz%")], "/a"));
    }
}
