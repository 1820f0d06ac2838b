"""A byte more, less or other than was written is found, whichever kind of file it is in."""

import hashlib
import json
import shutil

import pytest

from handover.backup.manifest import DamagedBackupError, damages, place_of, seal, verified
from handover.private_files import open_private

BODY = b"what a dancer sees"
DIGEST = hashlib.sha256(BODY).hexdigest()
FILE = str(place_of(DIGEST))
KINDS = ("database.dump", "structure.sql", "roles.json", "files.jsonl", "index.jsonl", FILE)


def made(folder, name="one"):
    folder.mkdir(mode=0o700)
    (folder / FILE).parent.mkdir(parents=True)
    line = {"place": "", "name": "a/b.mp4", "size": len(BODY), "sha256": DIGEST}
    for kind in KINDS:
        with open_private(folder / kind, "wb") as file:
            text = BODY if kind == FILE else json.dumps(line).encode() + b"\n"
            file.write(text)
    seal(folder, {"name": name})
    return folder


@pytest.fixture
def backup(tmp_path):
    return made(tmp_path / "backup")


def test_backup__as_it_was_written__is_whole_and_closed_to_others(backup):
    assert verified(backup)["name"] == "one"
    assert {oct(path.stat().st_mode & 0o777) for path in backup.rglob("*") if path.is_file()} == {"0o600"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [0, -1])
def test_byte__flipped_in_any_kind_of_file__is_named(backup, kind, at):
    body = bytearray((backup / kind).read_bytes())
    body[at] ^= 1
    (backup / kind).write_bytes(body)
    with pytest.raises(DamagedBackupError, match=f"{kind} is not what was written"):
        verified(backup)


@pytest.mark.parametrize("kind", KINDS)
def test_file__removed_or_cut_off__is_named(backup, kind):
    body = (backup / kind).read_bytes()
    (backup / kind).write_bytes(body[:-1])
    assert any(f"{kind} is not what was written" in line for line in damages(backup))
    (backup / kind).unlink()
    assert f"{kind} is missing" in list(damages(backup))
    (backup / kind).symlink_to("/dev/null")
    assert f"{kind} is missing" in list(damages(backup))


def test_every_byte_of_the_manifest__flipped__is_seen(backup):
    text = (backup / "manifest.json").read_bytes()
    for at in range(0, len(text), 7):
        body = bytearray(text)
        body[at] ^= 1
        (backup / "manifest.json").write_bytes(body)
        with pytest.raises(DamagedBackupError, match=r"not as it was written|no whole backup"):
            verified(backup)


@pytest.mark.parametrize("name", ["note.txt", "files/ab/abcd", "files/more"])
def test_file__added__does_not_belong(backup, name):
    (backup / name).parent.mkdir(exist_ok=True)
    (backup / name).touch()
    with pytest.raises(DamagedBackupError, match=f"{name} does not belong to this backup"):
        verified(backup)


def test_manifest__of_another_backup__is_seen(backup, tmp_path):
    other = made(tmp_path / "other", name="two")
    (other / "roles.json").write_text("{}")
    (other / "manifest.json").unlink()
    seal(other, {"name": "two"})
    shutil.copyfile(other / "manifest.json", backup / "manifest.json")
    with pytest.raises(DamagedBackupError, match=r"roles\.json is not what was written"):
        verified(backup)


def test_manifest__missing__is_no_whole_backup(backup):
    (backup / "manifest.json").unlink()
    with pytest.raises(DamagedBackupError, match="holds no whole backup") as raised:
        verified(backup)
    assert "A backup that was interrupted has no manifest" in str(raised.value)
