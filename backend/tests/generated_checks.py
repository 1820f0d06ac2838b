"""A check of our own, which schemathesis loads: no answer holds a word of another user's."""

import os

import schemathesis

WORDS = os.environ["WORDS_OF_OTHERS"].split()


@schemathesis.check
def nothing_of_another_user(ctx: object, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """Look for the words in the answer, unless the request itself had them."""
    text = response.text + str(dict(response.headers))
    found = [word for word in WORDS if word in text and word not in f"{case.body} {case.query} {case.formatted_path}"]
    assert not found, f"{case.method} {case.formatted_path} says {found[0]}, which is another user's"
