"""Numbers on command lines."""

from argparse import ArgumentTypeError

from config.env import MOST


def whole_number(text: str) -> int:
    """Return a number of 1 or more. Raises ArgumentTypeError, which argparse tells."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"is {text!r}; it must be a whole number of 1 or more")
    return int(text)


def number(text: str) -> float:
    """Return a number of 0 or more. Raises ArgumentTypeError, which argparse tells."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= MOST:
        raise ArgumentTypeError(f"is {text!r}; it must be a number of 0 or more, and at most {MOST}")
    return value
