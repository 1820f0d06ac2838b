"""Documents and questions in PostgreSQL's own form of sets of words, without its parsers, dictionaries and stop words.

No extension is needed: accents and trigrams are taken care of in ``apps.titles.words``, so every server can do it, and
adoption asks for no right to make extensions.

A word is stored with its owner before it. So a search reads the postings of one user, however many others use the word.
"""

from pathlib import PurePosixPath

from apps.titles.words import folded, words_of


def document_of(user_id: int, title: str, song: str | None) -> str:
    """Return the words of a title and its song, as text that PostgreSQL casts to tsvector."""
    lexemes = {_word(user_id, word) for word in spoken(title, song)} | {_whole(user_id, title)}
    return " ".join(sorted(quoted(lexeme) for lexeme in lexemes))


def spoken(title: str, song: str | None) -> set[str]:
    """Return the words that a search finds a choreography by: the page shows the song where the title says nothing."""
    return set(words_of(title)) | set(words_of(PurePosixPath(song or "").stem))


def whole(user_id: int, text: str) -> str:
    """Return the question for titles that are this text."""
    return quoted(_whole(user_id, text))


def every(user_id: int, choices: list[list[str]]) -> str:
    """Return the question for documents with one word of each list; one that ends with ``*`` is a beginning."""
    return " & ".join(f"({' | '.join(_term(user_id, word) for word in words)})" for words in choices)


def quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _term(user_id: int, word: str) -> str:
    return f"{quoted(_word(user_id, word[:-1]))}:*" if word.endswith("*") else quoted(_word(user_id, word))


def _word(user_id: int, word: str) -> str:
    return f"{user_id}:{word}"


def _whole(user_id: int, text: str) -> str:
    return f"{user_id}={folded(text)}"
