//! Decodes bytes to text: by byte order mark, as UTF-8 or UTF-16, or from a detected legacy encoding (CP949 above all).
//!
//! Damaged text is refused: a share of replacement characters above [`MAX_REPLACEMENT_SHARE`] is the error
//! `bad_encoding`. Below it (one broken character in a long file) the rest is worth keeping.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_KR, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::ParseError;

/// Largest share of characters that may be lost in decoding: one in a thousand.
const MAX_REPLACEMENT_SHARE: f64 = 0.001;

/// Length of the beginning that is searched for UTF-16 without a byte order mark and for an encoding declared in HTML.
const HEAD_BYTES: usize = 4096;

/// Decodes `bytes`, which must not be empty, to text without a byte order mark.
///
/// # Errors
/// `BadEncoding`.
pub(crate) fn decode(bytes: &[u8]) -> Result<String, ParseError> {
    if let Some((encoding, mark_bytes)) = Encoding::for_bom(bytes) {
        return decode_as(encoding, &bytes[mark_bytes..]);
    }
    if let Some(encoding) = utf16_without_mark(bytes) {
        return decode_as(encoding, bytes);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) if is_damaged_utf8(bytes) => decode_as(UTF_8, bytes),
        Err(_) => decode_legacy(bytes),
    }
}

/// Whether the bytes are UTF-16 text, with or without a byte order mark.
pub(crate) fn is_utf16(bytes: &[u8]) -> bool {
    let marked = Encoding::for_bom(bytes).is_some_and(|(encoding, _)| encoding != UTF_8);
    marked || utf16_without_mark(bytes).is_some()
}

/// Tries the encoding that a page declares, then CP949, then the detector's guess.
fn decode_legacy(bytes: &[u8]) -> Result<String, ParseError> {
    if let Some(text) = declared_encoding(bytes).and_then(|encoding| decode_as(encoding, bytes).ok()) {
        return Ok(text);
    }
    if is_korean(bytes) {
        return decode_as(EUC_KR, bytes);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    decode_as(detector.guess(None, Utf8Detection::Allow), bytes)
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Result<String, ParseError> {
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    // A one-byte encoding decodes anything, but no text has C1 control characters.
    let is_lost = |character: char| character == '\u{fffd}' || ('\u{80}'..'\u{a0}').contains(&character);
    let lost = text.chars().filter(|&character| is_lost(character)).count();
    let characters = text.chars().count().max(1);
    if (damaged || lost > 0) && lost as f64 > characters as f64 * MAX_REPLACEMENT_SHARE {
        let offset = first_bad_byte(encoding, bytes);
        return Err(ParseError::BadEncoding { encoding: encoding.name().into(), offset });
    }
    Ok(text.into_owned())
}

fn first_bad_byte(encoding: &'static Encoding, bytes: &[u8]) -> usize {
    if encoding == UTF_8 {
        return std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), |_| 0);
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let capacity = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(bytes.len());
    let mut text = String::with_capacity(capacity);
    let (_, read) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
    read.saturating_sub(1)
}

/// Detects UTF-16 by its zeros. Latin text has one in every other byte; Korean text has one at every space and line end,
/// nearly always on the same side (U+AC00, the first syllable, has one on the other).
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(HEAD_BYTES) & !1];
    let (mut even_zeros, mut odd_zeros) = (0_usize, 0_usize);
    for pair in head.chunks_exact(2) {
        even_zeros += usize::from(pair[0] == 0);
        odd_zeros += usize::from(pair[1] == 0);
    }
    let encoding = match (even_zeros, odd_zeros) {
        (even, odd) if odd > even * 2 => UTF_16LE,
        (even, odd) if even > odd * 2 => UTF_16BE,
        _ => return None,
    };
    // Latin text is half zeros; other text has few bytes that happen to be ASCII.
    let zeros = even_zeros + odd_zeros;
    let printable = head.iter().filter(|byte| byte.is_ascii_graphic() || **byte == b' ').count();
    if zeros * 40 < head.len() || (zeros * 5 < head.len() * 2 && printable * 4 > head.len() * 3) {
        return None;
    }
    // Binary data with zeros on one side decodes to control characters and unpaired surrogates.
    let (text, damaged) = encoding.decode_without_bom_handling(head);
    let is_text = text.chars().all(|character| !character.is_control() || character.is_whitespace());
    let cut_in_the_middle = bytes.len() > head.len();
    (is_text && (!damaged || cut_in_the_middle)).then_some(encoding)
}

/// Whether most of what is not ASCII is valid UTF-8. Legacy encodings of any language are far below half.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut valid, mut invalid) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        valid += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        invalid += usize::from(!chunk.invalid().is_empty());
    }
    valid > invalid
}

/// Whether the two-byte characters are mostly the Hangul syllables of KS X 1001 (first byte B0 to C8, second A1 to FE).
/// A detector for all languages mistakes a few Korean words for Chinese or Japanese. Chinese text in GBK, the closest,
/// has two of five characters outside that range, Western text hardly any inside it.
fn is_korean(bytes: &[u8]) -> bool {
    let (mut syllables, mut others) = (0_usize, 0_usize);
    let mut rest = bytes.iter();
    while let Some(&first) = rest.next() {
        if first.is_ascii() {
            continue;
        }
        match (first, rest.next()) {
            (0xb0..=0xc8, Some(0xa1..=0xfe)) => syllables += 1,
            // Punctuation and full-width signs occur in Chinese and Japanese, too.
            (0xa1..=0xa3, Some(0xa1..=0xfe)) => {}
            _ => others += 1,
        }
    }
    syllables > 0 && syllables >= others * 3
}

/// The encoding declared by `<meta charset=…>`, `<meta … content="…; charset=…">` or an XML declaration.
fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD_BYTES)]).to_ascii_lowercase();
    if !head.contains("<meta") && !head.contains("<?xml") {
        return None;
    }
    ["charset=", "encoding="].into_iter().find_map(|key| {
        let value = &head[head.find(key)? + key.len()..];
        let label = value.trim_start_matches(['"', '\'']);
        let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c)))?;
        Encoding::for_label(&label.as_bytes()[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KOREAN: &str = "휴가 규정\n연차 휴가는 입사일을 기준으로 매년 15일이 주어집니다. 뷁";

    fn cp949(text: &str) -> Vec<u8> {
        let (bytes, _, unmappable) = encoding_rs::EUC_KR.encode(text);
        assert!(!unmappable);
        bytes.into_owned()
    }

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    fn code(result: Result<String, ParseError>) -> &'static str {
        result.expect_err("must be refused").code()
    }

    #[test]
    fn cp949_is_recognized_also_where_it_is_short_or_goes_beyond_euc_kr() {
        for text in [KOREAN, "환불 안내", "똠방각하 펲시콜라"] {
            assert_eq!(decode(&cp949(text)).expect("Korean text"), text);
        }
    }

    #[test]
    fn utf16_with_and_without_a_mark() {
        for text in [KOREAN, "Annual leave\nYou get 15 days."] {
            assert_eq!(decode(&utf16(text, u16::to_le_bytes)).expect("UTF-16"), text);
            assert_eq!(decode(&utf16(text, u16::to_be_bytes)).expect("UTF-16"), text);
            let marked = [vec![0xff, 0xfe], utf16(text, u16::to_le_bytes)].concat();
            assert_eq!(decode(&marked).expect("UTF-16"), text);
        }
    }

    #[test]
    fn the_utf8_mark_is_no_text() {
        assert_eq!(decode("\u{feff}# 제목".as_bytes()).expect("UTF-8"), "# 제목");
    }

    #[test]
    fn other_legacy_encodings_are_read_too() {
        let (latin, _, _) =
            encoding_rs::WINDOWS_1252.encode("Über die Rückgabe müssen wir später sprechen – schöne Grüße");
        assert!(decode(&latin).expect("German").contains("Rückgabe müssen wir später"));
        let japanese = "返品は商品到着後七日以内にお願いします。送料はお客様の負担となります。";
        let (shift_jis, _, _) = encoding_rs::SHIFT_JIS.encode(japanese);
        assert_eq!(decode(&shift_jis).expect("Japanese"), japanese);
        let chinese = "商品签收后七天之内可以申请退货，运费由买家承担，质量问题除外。";
        let (gbk, _, _) = encoding_rs::GBK.encode(chinese);
        assert_eq!(decode(&gbk).expect("Chinese"), chinese);
        let (quotes, _, _) = encoding_rs::WINDOWS_1252.encode("It’s “free” – that’s what we’re told.");
        assert_eq!(decode(&quotes).expect("English"), "It’s “free” – that’s what we’re told.");
    }

    #[test]
    fn a_page_that_names_its_encoding_is_believed() {
        let page =
            r#"<html><head><meta http-equiv="Content-Type" content="text/html; charset=euc-kr"></head>각"#;
        assert_eq!(decode(&cp949(page)).expect("a Korean page"), page);
    }

    #[test]
    fn damaged_utf8_is_refused_and_one_broken_character_in_a_long_text_is_not() {
        let broken = [KOREAN.as_bytes(), b"\xff\xfe\xec\x95", KOREAN.as_bytes()].concat();
        assert_eq!(code(decode(&broken)), "bad_encoding");
        match decode(&broken) {
            Err(ParseError::BadEncoding { encoding, offset }) => {
                assert_eq!((encoding.as_ref(), offset), ("UTF-8", KOREAN.len()));
            }
            other => panic!("{other:?}"),
        }
        let long = [KOREAN.repeat(60).as_bytes(), b"\xff", KOREAN.as_bytes()].concat();
        let text = decode(&long).expect("one character is lost");
        assert_eq!(text.matches('\u{fffd}').count(), 1);
    }

    #[test]
    fn noise_is_not_text() {
        // A linear congruential generator's high bytes, zeros left out: no encoding's text.
        let mut state = 7_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 24) as u8).max(1)
        })
        .take(2000)
        .collect();
        assert_eq!(code(decode(&noise)), "bad_encoding");
    }
}
