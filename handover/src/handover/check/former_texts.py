"""The texts of findings as version 0.1 worded them: what was accepted with such a text stays accepted."""

import re
from collections.abc import Mapping

ON = "(original|backend)"
UNCOMPARED = ("nobody could compare them", "they could not be compared")
LOGS_IN = ("whoever registers on one must get into the other", "an account of one system must log in on the other")
UNKNOWN_WRITER = (" by somebody unknown$", " by an unknown writer")

# By code: the former text as a regular expression, and today's, which takes over the variable parts. They are parts of
# a place, of what was found or of what was expected: the expectations of both systems stand in one text.
FORMER_TEXTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "HO111": (UNCOMPARED,),
    "HO123": (UNCOMPARED,),
    "HO144": (
        ("duplicate may be told of too late to be caught", "duplicate may be reported too late to be caught"),
    ),
    "HO182": (("session of one system is none of the other:", "session of one system does not exist in the other:"),),
    "HO239": (
        (
            rf"has_perm of the {ON} is never asked for it: whoever holds it has lost it there",
            r"has_perm of the \1 is never asked for it, so its holders lose it there",
        ),
    ),
    "HO305": ((rf"^the {ON} reaches the rows so$", r"the \1 reaches the rows that way"),),
    "HO312": (("^many rows must come across like one$", "many rows at once must be stored as one by one"),),
    "HO320": (
        ("^a write keeps what it does not mean$", "a write keeps the columns that it does not mean"),
        UNKNOWN_WRITER,
    ),
    "HO321": (("^nobody sees what is rolled back$", "what is rolled back stays unseen"), UNKNOWN_WRITER),
    "HO322": (UNKNOWN_WRITER,),
    "HO323": (UNKNOWN_WRITER,),
    "HO324": (UNKNOWN_WRITER,),
    "HO325": (UNKNOWN_WRITER,),
    "HO326": (UNKNOWN_WRITER,),
    "HO327": (UNKNOWN_WRITER,),
    "HO328": (UNKNOWN_WRITER,),
    "HO329": (UNKNOWN_WRITER,),
    "HO330": (UNKNOWN_WRITER,),
    "HO331": (UNKNOWN_WRITER,),
    "HO332": (UNKNOWN_WRITER,),
    "HO333": (UNKNOWN_WRITER,),
    "HO334": (
        (
            "^is written too calmly: (.+) % of the operations met another on their row$",
            r"has too few concurrent writes: \1 % of the operations overlapped another one on their row",
        ),
    ),
    "HO335": (
        (
            rf"^holds a planted stale save by the {ON} that the check did not see$",
            r"holds a planted stale save by the \1 that the check did not find",
        ),
        ("^the control has to be seen in every run$", "the control must be found in every run"),
    ),
    "HO336": (("^nothing is proven by it$", "such a fault proves nothing"),),
    "HO338": (("^both systems go on by themselves$", "both systems must recover by themselves"),),
    "HO350": (("^it tells no two apart$", "it cannot tell two documents apart"),),
    "HO351": (
        (
            r"^is noise: no two of (\d+) documents are more alike than chance makes them$",
            r"is noise: no two of \1 documents are more alike than random vectors",
        ),
    ),
    "HO366": (("; it is still found by nobody$", "; delete() failed"),),
    "HO380": (LOGS_IN,),
    "HO381": (LOGS_IN,),
    "HO383": (
        (r"authenticate\(\) lets nobody in$", "authenticate() refuses the account"),
        ("^its bearer is logged in$", "its user is logged in"),
        (rf"^makes nobody on the {ON}$", r"is anonymous on the \1"),
        ("^its bearer must be logged in on both$", "its user must be logged in on both"),
    ),
    "HO388": (
        ("^what an account may do on one it may do on the other$", "an account may do the same on both"),
        (
            rf"^held by accounts that are there does not hold on the {ON}: ",
            r"held by stored accounts does not hold on the \1: ",
        ),
    ),
    "HO391": (
        ("^was not hung on a row of ", "could not be filled with a reference to a row of "),
        ("^so it is not known whether", "it is not known whether"),
        (", which a foreign key leads to[.]$", ", which a foreign key points at."),
    ),
    "HO401": (("; no flow was made$", "; no flow was run"),),
    "HO402": (
        (", so nobody can tell in which database its rows are$", ", so its rows cannot be found in any database"),
        (
            rf" when made on the {ON}: the systems run on another database$",
            r" after a run on the \1: it uses another database",
        ),
    ),
    "HO615": (("^equal failures compare nothing$", "equal failures prove nothing"),),
    "HO617": ((r"^was nothing but noise in (\d+ places?)$", r"was only noise in \1"),),
}  # fmt: skip


def todays(code: str, text: str) -> str:
    """Return a text of a finding as it is worded today.

    Parameters
    ----------
    code
        Of the finding.
    text
        Its place, or what was found or expected, as this version or 0.1 wrote it.

    Examples
    --------
    >>> todays("HO383", "makes nobody on the backend")
    'is anonymous on the backend'
    >>> todays("HO383", "is anonymous on the backend")
    'is anonymous on the backend'
    """
    for former, today in FORMER_TEXTS.get(code, ()):
        text = re.sub(former, today, text)
    return text
