"""What a text of a user may hold: titles and names are one line, and are shown as they are written."""

import re
import unicodedata

from django.core.exceptions import ValidationError

# Control characters, and the separators of lines and paragraphs.
REFUSED = {"Cc", "Zl", "Zp"}
# They turn the direction of what stands after them, also of another user's words.
TURNING = {chr(code) for span in (range(0x202A, 0x202F), range(0x2066, 0x206A)) for code in span}

# They are not seen, or leave a blank: joiners, fillers and marks that change the character before them.
_UNSEEN = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
)
SEEN = re.compile(rf"[^\s{_UNSEEN}]")

# The same for a JSON schema: no such character, and one that is seen; or nothing, as spaces alone are.
_NOT = r"\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_SPACES = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_SOMETHING = f"[^{_NOT}]*[^{_NOT}\\s{_UNSEEN}][^{_NOT}]*"
PATTERN = f"^{_SOMETHING}$"
PATTERN_OR_EMPTY = f"^({_SOMETHING}|[{_SPACES}]*)$"


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


def seen(text: str) -> None:
    """Raise a ValidationError of Django's if nothing of a text is seen."""
    if text and not SEEN.search(text):
        raise ValidationError("Nothing of it is seen. Write at least one letter, number or sign.", code="unseen")
