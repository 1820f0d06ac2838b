"""The new address proves the public name before anybody is sent to it."""

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from handover.tests.cutover.test_gates import red

NAME = "www.compas.test"
GATE = '[[gates]]\nid = "certificate"'


def https(story, port: int) -> None:
    """Give the backend an address of its own name, which answers on this machine."""
    text = story.file.read_text()
    text = text.replace(f'base_url = "{story.systems["backend"].url}"', f'base_url = "https://{NAME}"')
    assert GATE in text
    story.file.write_text(text.replace(GATE, f'{GATE}\nhost = "127.0.0.1"\nport = {port}'))


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def certificate(name: str, days: float, issuer=None):
    """Return a certificate and its key; its own issuer when none is given."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    signed_by, signing = issuer or (None, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(signed_by.subject if signed_by else named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(signing, hashes.SHA256()), key


@contextmanager
def served(folder, leaf, key) -> Iterator[int]:
    path = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(leaf.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.handle_error = lambda *_: None  # a client that turns away is what these tests are about
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


CASES = {
    "well": (NAME, 90, True, None),
    "another name": ("other.compas.test", 90, True, "proves nothing for www.compas.test: .*Hostname mismatch"),
    "ends soon": (NAME, 3.2, True, "is valid for 3 more days; at least 14 expected"),
    "ended": (NAME, -1, True, "proves nothing for www.compas.test: .*certificate has expired"),
    "nobody trusts it": (NAME, 90, False, "proves nothing for www.compas.test: .*self-signed certificate"),
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


def test_gate_certificate__nobody_listens__is_red(story):
    story.with_journal()
    https(story, 1)
    assert "proves nothing for www.compas.test: [Errno 111] Connection refused" in red(story, 0)["certificate"]
