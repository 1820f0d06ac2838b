"""How a planted drift is mended: by the statements of the advice itself, to the letter, or by a person."""

import re

# A statement of an advice begins with its verb and ends with its semicolon.
STATEMENT = re.compile(r"\b(?:ALTER|CREATE|DROP|GRANT|REVOKE|INSERT|UPDATE|SELECT|REINDEX)\b[^;]*;")


def statements(todo: str) -> list[str]:
    """Return what an advice says to execute."""
    return STATEMENT.findall(todo)


# Findings of the catalog, the history or the rows whose advice holds no statement, and why only a person can decide.
# The team reads what is there, and mends it by hand or accepts it: the test accepts it and sees it accepted.
DECIDED = {
    "HO010": "a table that is gone comes back from a backup",
    "HO011": "what the column held is gone with it, or it was renamed and the models follow",
    "HO102": "the tables behind a view are compared by hand",
    "HO105": "which of two tables holds the rows that are meant",
    "HO145": "the rows may hold what the other kind of uniqueness forbids",
    "HO153": "which of the two definitions is wrong",
    "HO154": "whether the reference is wanted",
    "HO163": "what a trigger does is read by people",
    "HO164": "what a rule does is read by people",
    "HO170": "another database, or a lost history",
    "HO172": "what is missing may have held rows",
    "HO173": "migrate runs it, and what was removed on purpose stays removed",
    "HO174": "which code is meant",
    "HO193": "more connections, a pooler, or fewer workers",
    "HO198": "what the setting was made for",
    "HO212": "migrate writes the rows",
}
# Rows are the team's: which value is right stands in no catalog.
ROWS = "HO22", "HO23", "HO24"
OF_SEQUENCES = "HO235"


def reason(code: str) -> str | None:
    """Return why only a person can decide; None when the advice must hold a statement."""
    return (
        "which value is right stands in no catalog"
        if code.startswith(ROWS) and code != OF_SEQUENCES
        else DECIDED.get(code)
    )
