"""A check of our own, which schemathesis loads: no answer holds a word or an id of another user's."""

import os

import schemathesis

WORD, *IDS = os.environ["WORDS_OF_OTHERS"].split()
# The word may come back where it was sent before: values that are tried come from all answers, also the other user's.
sent: set[str] = set()


def asked(case: schemathesis.Case) -> str:
    return f"{case.body} {case.query} {case.headers} {case.formatted_path}"


@schemathesis.hook
def before_call(context: object, case: schemathesis.Case, kwargs: object) -> None:
    """Note whether the request has the word."""
    sent.update({WORD} if WORD in asked(case) else ())


@schemathesis.check
def nothing_of_another_user(ctx: object, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """Look for the word and the ids in the answer; an id that was asked for may stand in its refusal."""
    text = response.content.decode(errors="replace") + str(dict(response.headers))
    found = [name for name in ({WORD} - sent).union(IDS) if name in text and name not in asked(case)]
    assert not found, f"{case.method} {case.formatted_path} says {found[0]}, which is another user's"
