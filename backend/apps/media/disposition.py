"""The name under which a browser saves a file."""

from django.utils.http import content_disposition_header

# What file systems, shells or headers read as more than a letter.
UNSAFE = frozenset('/\\:*?"<>|%;')
LONGEST_NAME = 100


def disposition_of(title: str) -> str:
    """Return the header ``Content-Disposition`` (RFC 6266) of a video that is shown in the page."""
    # Not printable: line ends, other controls, and marks that turn the direction of what follows.
    plain = "".join("_" if letter in UNSAFE or not letter.isprintable() else letter for letter in title)
    name = plain[:LONGEST_NAME].strip(" ._") or "choreography"
    return str(content_disposition_header(as_attachment=False, filename=f"{name}.mp4"))
