"""Text for a terminal."""


def sanitize(text: str) -> str:
    """Return the text without characters that a terminal would interpret or that hide text.

    Control characters, including those above 127, and characters that change the direction of text become spaces. Text
    from users can contain them.
    """
    return "".join(character if character.isprintable() else " " for character in text)
