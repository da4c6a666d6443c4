//! Parses e-mail: subject, sender, recipients, date and body. Attachments are named, not parsed.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

use crate::error::ParseError;
use crate::formats::html::page;
use crate::formats::markdown::headings;
use crate::formats::text;
use crate::parsed::Parsed;

/// Header fields of which every message has one, and hardly any other text does.
const MESSAGE_FIELDS: [&str; 4] = ["Received", "Message-ID", "MIME-Version", "Return-Path"];

/// Number of lines that are searched for them.
const FIRST_LINES: usize = 100;

/// Whether the text is a message: it begins with header fields, and one of them is in [`MESSAGE_FIELDS`].
pub(crate) fn is_email(head: &[u8]) -> bool {
    let lines = head.split(|byte| *byte == b'\n').take(FIRST_LINES);
    let header = lines.take_while(|line| !line.trim_ascii().is_empty());
    let mut is_message = false;
    for line in header {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        let Some(name) = field_name(line) else { return false };
        is_message |= MESSAGE_FIELDS.iter().any(|field| field.as_bytes().eq_ignore_ascii_case(name));
    }
    is_message
}

fn field_name(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = &line[..colon];
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    is_name.then_some(name)
}

/// Parses a message.
///
/// # Errors
/// `Failed`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let message = MessageParser::default().parse(bytes);
    let message = message.ok_or_else(|| ParseError::Failed("the message has no header".to_owned()))?;
    let mut body = body(&message)?;
    body.title = None;
    body.markdown = format!("{}\n\n{}", envelope(&message), body.markdown.trim_start());
    Ok(headings::with_title(body, message.subject().map(str::to_owned)))
}

/// The HTML body if there is one: the plain text often lacks the tables.
fn body(message: &Message<'_>) -> Result<Parsed, ParseError> {
    let html = message.html_body.first().and_then(|part| message.parts.get(*part as usize));
    match html.map(|part| &part.body) {
        Some(PartType::Html(html)) => page::parse(html),
        _ => Ok(text::parse(&message.body_text(0).unwrap_or_default())),
    }
}

/// One line each for sender, recipients, date and attachments.
fn envelope(message: &Message<'_>) -> String {
    let attachments: Vec<&str> = message.attachments().filter_map(MimeHeaders::attachment_name).collect();
    let lines = [
        ("From", message.from().map(addresses)),
        ("To", message.to().map(addresses)),
        ("Date", message.date().map(|date| date.to_rfc3339())),
        ("Attachments", (!attachments.is_empty()).then(|| attachments.join(", "))),
    ];
    let lines =
        lines.into_iter().filter_map(|(name, value)| Some(format!("- {name}: {}", one_line(&value?))));
    lines.collect::<Vec<_>>().join("\n")
}

fn addresses(address: &Address<'_>) -> String {
    let addresses = address.iter().map(|person| match (person.name(), person.address()) {
        (Some(name), Some(address)) => format!("{name} ({address})"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    });
    addresses.collect::<Vec<_>>().join(", ")
}

fn one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "From: =?UTF-8?B?6rmA66+87KeA?= <minji@example.com>\r\nTo: support@example.com\r\n\
        Subject: =?UTF-8?B?7ZmY67aIIOusuOydmA==?=\r\nDate: Tue, 3 Mar 2026 09:00:00 +0900\r\n\
        Message-ID: <1@example.com>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
        지난주에 산 움틀을 환불받고 싶습니다.\r\n";

    #[test]
    fn a_message_is_its_subject_its_people_and_its_text() {
        assert!(is_email(MESSAGE.as_bytes()));
        let parsed = parse(MESSAGE.as_bytes()).expect("a message");
        assert_eq!(parsed.title.as_deref(), Some("환불 문의"));
        assert_eq!(
            parsed.markdown.trim_end(),
            "# 환불 문의\n\n- From: 김민지 (minji@example.com)\n- To: support@example.com\n\
             - Date: 2026-03-03T09:00:00+09:00\n\n지난주에 산 움틀을 환불받고 싶습니다."
        );
    }

    #[test]
    fn other_texts_with_colons_are_no_messages() {
        assert!(!is_email(b"Note: buy milk\n\nMessage-ID: x"));
        assert!(!is_email("환불: 7일\nReceived: x".as_bytes()));
        assert!(!is_email(b"To: everybody\nFrom: the office\n\nClosed on Friday."));
    }

    #[test]
    fn a_page_is_preferred_and_attachments_are_named() {
        let message = "From: a@example.com\nMIME-Version: 1.0\nSubject: Prices\n\
            Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/alternative; boundary=a\n\n\
            --a\nContent-Type: text/plain\n\nprices\n--a\nContent-Type: text/html\n\n\
            <p>Prices</p><table><tr><th>U2</th></tr><tr><td>189,000</td></tr></table>\n--a--\n\
            --m\nContent-Type: application/pdf; name=list.pdf\nContent-Disposition: attachment; filename=list.pdf\n\n\
            %PDF\n--m--\n";
        let parsed = parse(message.as_bytes()).expect("a message");
        assert!(parsed.markdown.contains("- Attachments: list.pdf"), "{}", parsed.markdown);
        assert!(parsed.markdown.contains("| 189,000"), "{}", parsed.markdown);
    }
}
