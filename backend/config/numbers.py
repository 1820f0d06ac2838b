"""Numbers on command lines."""

from argparse import ArgumentTypeError


def whole_number(text: str) -> int:
    """Return a number of 1 or more. Raises ArgumentTypeError, which argparse tells."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"is {text!r}; it must be a whole number of 1 or more")
    return int(text)
