//! The child's side: confines this process, then answers requests until the parent has no more.

use std::io::{self, Read, Write};

use crate::dispatch::parse;
use crate::sandbox::confinement::confine;
use crate::sandbox::protocol::{Answer, Answered, Greeting, Request, read_frame, write_value};
use crate::web::{links, robots, sitemap};

/// Serves the process `parent`, which started this one, over `input` and `output`. Called once, before there is any other thread.
///
/// # Errors
/// Those of `input` and `output`; what cannot be parsed is an answer.
pub fn run_child(parent: Option<u32>, input: impl Read, output: impl Write) -> io::Result<()> {
    let missing = confine(parent);
    serve(&Greeting { missing }, input, output)
}

fn serve(greeting: &Greeting, mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    write_value(&mut output, greeting)?;
    output.flush()?;
    // The parent's requests are bounded where the documents are.
    while let Some(request) = read_frame(&mut input, u64::MAX)? {
        let bytes = read_frame(&mut input, u64::MAX)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        write_value(&mut output, &answer(serde_json::from_slice(&request)?, &bytes))?;
        output.flush()?;
    }
    Ok(())
}

fn answer(request: Request, bytes: &[u8]) -> Answered {
    Ok(match request {
        Request::Document { name } => Answer::Document(parse(bytes, &name)?),
        Request::Links { address } => Answer::Links(links::of_page(bytes, &address)?),
        Request::ListedLinks => Answer::ListedLinks(links::listed(bytes)),
        Request::Sitemap => Answer::Sitemap(sitemap::read(bytes)),
        Request::Robots { robot } => Answer::Robots(robots::read(bytes, &robot)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ParseError;
    use crate::sandbox::protocol::write_frame;

    #[test]
    fn each_request_has_its_answer() {
        let mut input = Vec::new();
        for (request, bytes) in [
            (Request::Document { name: "a.md".to_owned() }, "# 휴가\n\n15일\n"),
            (Request::Document { name: "b.md".to_owned() }, ""),
            (Request::Links { address: "https://example.com/".to_owned() }, "<!doctype html><a href=a>"),
            (Request::ListedLinks, "[a](b)"),
            (Request::Sitemap, "https://example.com/a"),
            (Request::Robots { robot: "daedap".to_owned() }, "User-agent: *\nDisallow: /"),
        ] {
            write_value(&mut input, &request).expect("memory");
            write_frame(&mut input, bytes.as_bytes()).expect("memory");
        }
        let mut output = Vec::new();
        serve(&Greeting::default(), input.as_slice(), &mut output).expect("no pipe breaks");
        let mut output = output.as_slice();
        read_frame(&mut output, 1000).expect("a greeting");
        let mut answers = Vec::new();
        while let Some(frame) = read_frame(&mut output, 1000).expect("an answer") {
            answers.push(serde_json::from_slice::<Answered>(&frame).expect("an answer"));
        }
        assert!(
            matches!(&answers[0], Ok(Answer::Document(parsed)) if parsed.title.as_deref() == Some("휴가"))
        );
        assert!(matches!(&answers[1], Err(ParseError::Empty)));
        assert!(
            matches!(&answers[2], Ok(Answer::Links(links)) if links.targets == ["https://example.com/a"])
        );
        assert!(matches!(&answers[3], Ok(Answer::ListedLinks(Some(links))) if links == &["b"]));
        assert!(matches!(&answers[4], Ok(Answer::Sitemap(listed)) if listed.pages.len() == 1));
        assert!(matches!(&answers[5], Ok(Answer::Robots(rules)) if !rules.allow("/a")));
    }
}
