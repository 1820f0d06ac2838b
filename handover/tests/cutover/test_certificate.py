"""The new address proves the public name before people are sent to it."""

import re

import pytest
from cryptography.hazmat.primitives import serialization

from handover_testing.certificates import NAME, certificate, served
from handover_testing.night import red

GATE = '[[gates]]\nid = "certificate"'


def https(story, port: int) -> None:
    """Give the backend an address of its own name, which answers on this machine."""
    text = story.file.read_text()
    text = text.replace(f'base_url = "{story.systems["backend"].url}"', f'base_url = "https://{NAME}"')
    assert GATE in text
    story.file.write_text(text.replace(GATE, f'{GATE}\nhost = "127.0.0.1"\nport = {port}'))


CASES = {
    "well": (NAME, 90, True, None),
    "another name": ("other.compas.test", 90, True, "cannot prove that it is www.compas.test: .*Hostname mismatch"),
    "ends soon": (NAME, 3.2, True, "is valid for 3 more days; at least 14 expected"),
    "ended": (NAME, -1, True, "cannot prove that it is www.compas.test: .*certificate has expired"),
    "signed by itself": (NAME, 90, False, "cannot prove that it is www.compas.test: .*self-signed certificate"),
}


@pytest.mark.parametrize("case", CASES)
def test_gate_certificate__is_green_only_for_the_public_name_in_time(story, tmp_path, monkeypatch, case):
    name, days, trusted, reason = CASES[case]
    authority = certificate("an authority", 900)
    pem = authority[0].public_bytes(serialization.Encoding.PEM)
    (tmp_path / "authority.pem").write_bytes(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    leaf, key = certificate(name, days, authority if trusted else None)
    story.with_journal()
    with served(tmp_path, leaf, key) as port:
        https(story, port)
        found = red(story, 0)
    if reason is None:
        assert "certificate" not in found
    else:
        assert re.search(reason, found["certificate"])


def test_gate_certificate__no_server_listens__is_red(story):
    story.with_journal()
    https(story, 1)
    assert "cannot prove that it is www.compas.test: [Errno 111] Connection refused" in red(story, 0)["certificate"]
