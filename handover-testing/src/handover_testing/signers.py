"""People who sign: with a key of OpenSSH, or with tokens of an issuer on this machine."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUDIENCE, KEY_NAME = "handover", "the key of today"


def new_key(folder: Path, name: str) -> Path:
    """Make a key without a passphrase; return its private file."""
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
    return path


def allowed_line(principal: str, key: Path) -> str:
    """Return the line of ``allowed_signers`` that gives a key to a principal."""
    return f"{principal} {' '.join(key.with_suffix('.pub').read_text().split()[:2])}\n"


@dataclass
class Issuer:
    """An issuer of identity tokens: it signs with a key of its own, and shows the public one."""

    url: str = ""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def jwks(self) -> dict[str, Any]:
        """Return its public keys."""
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": KEY_NAME, "use": "sig", "alg": "ES256"}]}

    def claims(self, who: str, **other: Any) -> dict[str, Any]:
        """Return what a good token says; ``other`` replaces claims, and None leaves one out."""
        now = int(time.time())
        good = {"iss": self.url, "aud": AUDIENCE, "sub": f"id of {who}", "email": who, "email_verified": True}
        said = {**good, "iat": now, "exp": now + 300, **other}
        return {name: value for name, value in said.items() if value is not None}

    def token(self, who: str, **other: Any) -> str:
        """Return a token, good unless ``other`` says otherwise."""
        return jwt.encode(self.claims(who, **other), self.key, algorithm="ES256", headers={"kid": KEY_NAME})

    def public_pem(self) -> bytes:
        """Return its public key, which everybody has."""
        return self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@contextmanager
def issuing() -> Iterator[Issuer]:
    """Let an issuer answer on this machine while the block runs."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            pages = {
                "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                "/keys": issuer.jwks(),
            }
            body = json.dumps(pages.get(self.path, {})).encode()
            self.send_response(200 if self.path in pages else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield issuer
        server.shutdown()
