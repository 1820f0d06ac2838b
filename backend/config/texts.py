"""What a text of a user may hold: titles and names are one line, and are shown as they are written."""

import unicodedata

from django.core.exceptions import ValidationError

# Control characters, and the separators of lines and paragraphs.
REFUSED = {"Cc", "Zl", "Zp"}
# They turn the direction of what stands after them, also of another user's words.
TURNING = {chr(code) for span in (range(0x202A, 0x202F), range(0x2066, 0x206A)) for code in span}

# The same for a JSON schema: no such character, and one that is no space.
_NOT = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
PATTERN_OR_EMPTY = f"^[^{_NOT}]*$"
PATTERN = rf"^[^{_NOT}]*[^{_NOT}\s][^{_NOT}]*$"


def one_line(text: str) -> None:
    """Raise a ValidationError of Django's, which forms and serializers both take, unless a text can be shown as it is.

    Joiners and marks are not refused: emoji and many scripts need them.
    """
    for place, character in enumerate(text, start=1):
        if unicodedata.category(character) in REFUSED or character in TURNING:
            raise ValidationError(
                f"Character {place} (U+{ord(character):04X}) is a control character. Write one line without such.",
                code="control-character",
            )
