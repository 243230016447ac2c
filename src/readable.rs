//! Texts that a person reads and compares: nothing in them is invisible or changes their direction.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The first character that a person would not see, or that has what follows shown in another order:
/// formatting (bidirectional controls among them), zero width, variation selectors, line and paragraph
/// separators, controls.
pub fn unreadable(text: &str) -> Option<char> {
    let category = CodePointMapData::<GeneralCategory>::new();
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    text.chars().find(|c| {
        use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};
        ignorable.contains(*c)
            || matches!(category.get(*c), Control | Format | LineSeparator | ParagraphSeparator)
    })
}

/// The same for a text of several lines.
pub fn unreadable_in_lines(text: &str) -> Option<char> {
    text.split(['\n', '\r', '\t']).find_map(unreadable)
}

/// What is said of such a character.
pub fn complaint(c: char) -> String {
    format!("U+{:04X} is a character that is not seen, or changes the direction of the text", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_or_turns_the_text_is_found_and_nothing_else_is() {
        for c in [
            '\u{7}',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{180e}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202b}',
            '\u{202c}',
            '\u{202d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2067}',
            '\u{2068}',
            '\u{2069}',
            '\u{206f}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{e0001}',
            '\u{e0061}',
            '\u{e0100}',
        ] {
            assert_eq!(unreadable(&format!("Pay {c} 100")), Some(c), "{c:?}");
            assert_eq!(unreadable_in_lines(&format!("Pay\n{c} 100")), Some(c), "{c:?}");
        }
        for text in
            ["", "W4S-C7T", "Godkend 100 kr. – æøå 😉", "שלום", "مرحبا ١٢", "日本語　です", "e\u{301} ½ €"]
        {
            assert_eq!(unreadable(text), None, "{text:?}");
        }
        assert_eq!(unreadable("two\nlines"), Some('\n'));
        assert_eq!(unreadable_in_lines("two\r\n\tlines"), None);
    }
}
