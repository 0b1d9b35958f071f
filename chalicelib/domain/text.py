"""Text that people enter: its normal form, and the characters that it cannot contain.

Composed and decomposed characters are equal: `é` can be one code point or an `e` and an accent. Keyboards and
filesystems differ, so text is brought to the normal form NFC before it is stored, hashed or compared.
"""

import unicodedata

_LINE_ENDS = "\u2028\u2029"  # the line and the paragraph separator; the other line ends are control characters


def normalize(text: str) -> str:
    """Return the normal form NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold_case(text: str) -> str:
    """Return text for a comparison that ignores case (Unicode 3.13, D145), in the normal form NFC."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())


def is_one_line(text: str) -> bool:
    """Return whether the text is one line without control characters and lone surrogates."""
    return text.isprintable() or (not any(map(_is_control, text)) and not any(c in text for c in _LINE_ENDS))


def is_text(text: str) -> bool:
    """Return whether the text has no control characters except tabs and line feeds, and no lone surrogates."""
    return not any(_is_control(character) for character in text if character not in "\t\n")


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs")
