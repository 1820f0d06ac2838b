"""Text as words, and how alike two words are.

Documents and questions go through the same functions, so nothing is left out on one side alone. There are no stop
words: "la", "the" and "de" are words like others. Accents and case do not count.
"""

import re
import unicodedata

# Changed together with what is a word: documents are then made again, by the next sweeps.
VERSION = 1
# A title has at most 200 characters, and a song's name is cut to as many.
LONGEST_TEXT = 300
LONGEST_WORD = 40
# Two letters that changed places leave a third of the trigrams; a word of three letters has too few to tell.
ALIKE = 0.3
SHORTEST_ALIKE = 4

# Letters that Unicode does not take apart.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ł": "l", "\u0131": "i", "æ": "ae", "œ": "oe", "'": "", "\u2019": "", "_": " "}
)
_PARTS = re.compile(r"\w+|[^\w\s]")


def words_of(text: str) -> list[str]:
    """Return the words in their order: letters and digits without accents, and each symbol such as 💃 for itself.

    Examples
    --------
    >>> words_of("La Canción del Niño, the remix 💃")
    ['la', 'cancion', 'del', 'nino', 'the', 'remix', '💃']
    """
    apart = unicodedata.normalize("NFKD", text[:LONGEST_TEXT].casefold())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(_LETTERS)
    return [part[:LONGEST_WORD] for part in _PARTS.findall(plain) if not _is_punctuation(part)]


def folded(text: str) -> str:
    """Return the text by which two spellings are the same."""
    return " ".join(words_of(text))[:LONGEST_TEXT]


def trigrams_of(word: str) -> set[str]:
    """Return the runs of three letters, with the beginning and the end marked.

    Examples
    --------
    >>> sorted(trigrams_of("sol"))
    ['  s', ' so', 'ol ', 'sol']
    """
    marked = f"  {word} "
    return {marked[at : at + 3] for at in range(len(marked) - 2)}


def likeness(one: str, other: str) -> float:
    """Return which part of their trigrams two words share, from 0 to 1."""
    left, right = trigrams_of(one), trigrams_of(other)
    return len(left & right) / len(left | right)


def _is_punctuation(part: str) -> bool:
    return len(part) == 1 and unicodedata.category(part)[0] in "PC"
