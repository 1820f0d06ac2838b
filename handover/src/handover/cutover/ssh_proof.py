"""The proof by an SSH key: OpenSSH signs the text of a sign-off, and names the principal by a file of the team."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from handover.config.config import Config
from handover.cutover.signer import NOT_PROVEN, IdentityProof
from handover.errors import ConfigurationError, Refused

NAMESPACE = "handover-sign-off"
PROGRAM = "ssh-keygen"
WITHIN_S = 20.0
PATTERN = re.compile(r"[*?!]")


def prove_by_key(config: Config, key: Path, text: str, wanted: Iterable[str] = ()) -> IdentityProof:
    """Sign a text with a key, and return whose key it is.

    Parameters
    ----------
    config
        The pair; its ``[signing] allowed_signers`` names the keys.
    key
        The private key, or the public one of a key that an agent holds.
    text
        What is signed.
    wanted
        Identities that are preferred where the file gives one key to several.

    Raises
    ------
    ConfigurationError
        OpenSSH or the file is missing, or the file names no key of ours.
    Refused
        The key does not sign.
    """
    allowed = _allowed_signers(config)
    # Its words go to the terminal: it may ask for a passphrase, or for a touch of a token.
    made = subprocess.run(
        [_program(), "-Y", "sign", "-n", NAMESPACE, "-f", str(key)],
        input=text.encode(),
        stdout=subprocess.PIPE,
        check=False,
    )
    signature = made.stdout.decode(errors="replace")
    if made.returncode or not signature:
        message = f"{PROGRAM} does not sign with {key}; what it said stands above. Nothing was signed."
        raise Refused(f"{message} Name a key that this account may use: --key FILE", code=NOT_PROVEN)
    principals = _principals(allowed, signature)
    chosen = next((name for name in principals if name in wanted), principals[0])
    return IdentityProof("ssh", chosen, _verified(allowed, chosen, signature, text), signature)


def ssh_trouble(config: Config, proof: IdentityProof, text: str) -> str:
    """Return why a kept signature does not hold (any more); empty when it does.

    Parameters
    ----------
    config
        The pair; its file of allowed signers decides.
    proof, text
        What the journal kept of the proof, and what was signed.
    """
    try:
        key = _verified(_allowed_signers(config), proof.identity, proof.signature, text)
    except Refused as error:
        return str(error.args[0])
    return "" if key == proof.by else f"it is of the key {key}, and the journal says {proof.by}"


def _principals(allowed: Path, signature: str) -> list[str]:
    """Return the principals of a signature's key; a pattern names no person."""
    found = _openssh(["find-principals", "-f", str(allowed)], signature)
    names = [name for name in found.stdout.decode().splitlines() if name and not PATTERN.search(name)]
    if found.returncode or not names:
        message = f"{allowed} names no person with this key. Nothing was signed."
        raise Refused(f"{message} Add a line: ana@example.org {_said(found) or 'ssh-ed25519 …'}", code=NOT_PROVEN)
    return names


def _verified(allowed: Path, identity: str, signature: str, text: str) -> str:
    """Return the fingerprint of the key that made a signature."""
    found = _openssh(["verify", "-n", NAMESPACE, "-I", identity, "-f", str(allowed)], signature, text)
    key = re.search(rb"key (SHA256:\S+)", found.stdout)
    if found.returncode or key is None:
        raise Refused(f"the signature is not that of a key that {allowed} gives to {identity} now", code=NOT_PROVEN)
    return key[1].decode()


def _openssh(arguments: list[str], signature: str, text: str = "") -> subprocess.CompletedProcess[bytes]:
    with tempfile.NamedTemporaryFile("w", suffix=".sig") as file:
        file.write(signature)
        file.flush()
        return subprocess.run(
            [_program(), "-Y", *arguments, "-s", file.name],
            input=text.encode(),
            capture_output=True,
            timeout=WITHIN_S,
            check=False,
        )


def _said(ended: subprocess.CompletedProcess[bytes]) -> str:
    return ended.stderr.decode(errors="replace").strip()


def _program() -> str:
    found = shutil.which(PROGRAM)
    if found is None:
        message = f"{PROGRAM} is not installed here; it makes and verifies the signatures of SSH keys."
        raise ConfigurationError(f"{message} Install the client of OpenSSH, version 8.2 or later.")
    return found


def _allowed_signers(config: Config) -> Path:
    if config.signing.allowed_signers is None:
        message = "handover.toml does not say whose SSH keys count."
        raise ConfigurationError(f"{message} Name the file with the keys: [signing] allowed_signers")
    path = config.root / config.signing.allowed_signers
    if not path.is_file():
        message = f"{path} does not exist; [signing] allowed_signers names it."
        raise ConfigurationError(f"{message} Write a line for each person: NAME ssh-ed25519 KEY")
    return path
