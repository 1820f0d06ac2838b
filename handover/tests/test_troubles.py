"""Every command and every missing thing: plain words, the right exit code, no traceback, no password."""

import errno
import json
import os
import re
import select
import shlex
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from psycopg.conninfo import conninfo_to_dict

from handover.cli import app, command_line
from handover.troubles import as_handover_error, without_secrets
from handover_testing.night import WITHIN_S, Story

SECRET = "hunter2"
# What a command needs to be asked at all; a new command with another required word fails here until it has one.
WORDS = {
    "--original": "original",
    "--backend": "backend",
    "--as": "DevOps",
    "--because": "it was seen",
    "CODE": "HO012",
    "PLACE": "dance_tasks.status",
    "BACKUP": "a-backup",
    "POINT": "page",
    "--into": "INTO_URL",
    "--media": "media",
}
# Those that go on until they are stopped, or for long.
ONCE = {"watch": ("--once",), "prove": ("--group", "search")}
MOST_LINES = 12


def commands() -> Iterator[tuple[str, ...]]:
    """Yield every command of the command line, plain, and with ``--apply`` where that does something else."""
    yield from _of(typer.main.get_command(command_line()), ())


def _of(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, one in getattr(command, "commands", {}).items():
        yield from _of(one, (*path, name))
    if not path or (getattr(command, "commands", None) and not getattr(command, "invoke_without_command", False)):
        return
    words = [*path, *ONCE.get(path[0], ())]
    for parameter in command.params:
        if parameter.required and parameter.param_type_name == "option":
            name = max(parameter.opts, key=len)
            words += [name, WORDS[name]]
        elif parameter.required:
            words.append(WORDS[parameter.name.upper()])
    yield tuple(words)
    apply = next((p for p in command.params if "--apply" in p.opts), None)
    if apply is not None:
        because = [] if "--because" in words or not any("--because" in p.opts for p in command.params) else True
        yield (*words, "--apply", *([] if apply.is_flag else ["4f2a"]), *(["--because", "a trial"] if because else []))


COMMANDS = [words for words in commands() if words != ("cutover",)]


def tried_with(thing: str) -> list[tuple[str, ...]]:
    """Return every third command, the others with other things; in the long run all. A pause comes last."""
    everything = os.environ.get("COMPAS_FULL") == "1"
    chosen = [words for number, words in enumerate(COMMANDS) if everything or (number + len(thing)) % 3 == 0]
    return sorted(chosen, key=lambda words: words[0] == "pause")  # after it nothing else runs


def name_of(words: tuple[str, ...]) -> str:
    """Return a command as a person names it, without what only it is told."""
    told_only = {*WORDS, *WORDS.values(), "--once", "--group", "search", "--because", "a trial"}
    return " ".join(word for word in words if word not in told_only)


# --- what is taken away: each returns the environment that the command then runs in


def _config(content: bytes | None) -> Callable[[Story], dict[str, str]]:
    def take(story: Story) -> dict[str, str]:
        story.file.unlink()
        if content is not None:
            story.file.write_bytes(content)
        return {}

    return take


def _config_is_a_folder(story: Story) -> dict[str, str]:
    story.file.unlink()
    story.file.mkdir()
    return {}


def _config_leads_nowhere(story: Story) -> dict[str, str]:
    story.file.unlink()
    story.file.symlink_to(story.file)
    return {}


def _url(**parts: str) -> Callable[[Story], dict[str, str]]:
    return lambda story: {"HANDOVER_DATABASE_URL": make_url(story, **parts)}


def make_url(story: Story, **parts: str) -> str:
    known = conninfo_to_dict(story.pair.database.url("owner"))
    known.update(parts)
    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**known)


def _no_login(story: Story) -> dict[str, str]:
    story.pair.superuser(f"CREATE ROLE {NO_LOGIN} NOLOGIN PASSWORD '{SECRET}'")
    return _url(user=NO_LOGIN, password=SECRET)(story)


def _no_more_connections(story: Story) -> dict[str, str]:
    story.pair.superuser(f"ALTER DATABASE {story.pair.database.name} CONNECTION LIMIT 0")
    return {}


def _no_connect(story: Story) -> dict[str, str]:
    story.pair.superuser(f"CREATE ROLE {NO_CONNECT} LOGIN PASSWORD '{SECRET}'")
    story.pair.superuser(f"REVOKE CONNECT ON DATABASE {story.pair.database.name} FROM PUBLIC")
    return _url(user=NO_CONNECT, password=SECRET)(story)


def _python(*words: str) -> Callable[[Story], dict[str, str]]:
    def take(story: Story) -> dict[str, str]:
        text = story.file.read_text()
        story.file.write_text(re.sub(r"python = \[.*\]", f"python = {json.dumps(words)}", text))
        return {"PYTHON_OF_INIT": shlex.join(words)}

    return take


def _declared(old: str, new: str) -> Callable[[Story], dict[str, str]]:
    def take(story: Story) -> dict[str, str]:
        story.pair.change("handover.toml", old, new)
        return {}

    return take


def _contract(content: bytes | None) -> Callable[[Story], dict[str, str]]:
    def take(story: Story) -> dict[str, str]:
        path = story.pair.folder / "handover" / "contract.json"
        path.parent.mkdir()
        path.write_bytes(content) if content is not None else path.mkdir()
        return {}

    return take


def _place_is_a_file(story: Story) -> dict[str, str]:
    place = story.pair.folder / ".handover"
    place.unlink()
    place.write_text("in the way")
    return {}


def _broken_journal(story: Story) -> dict[str, str]:
    (story.pair.folder / ".handover" / "journal.jsonl").write_bytes(b"\xff\xfe no entry\n")
    return {}


NO_LOGIN, NO_CONNECT = "no_login", "no_connect"
# An interpreter as it was years ago: this one with another version.
OLD = (sys.executable, "-c", "import sys; sys.version_info = (3, 6, 9); exec(sys.argv[-1])")
# Without site-packages it has no Django.
BARE = (sys.executable, "-I", "-S")
SETTINGS, PATH = 'settings = "settings"', 'path = "backend"'

# What is missing → how it is taken away, and what is said then.
FILES = {
    "the file is missing": (_config(None), "handover.toml does not exist. Run from the folder"),
    "the file is a folder": (_config_is_a_folder, "handover.toml is a folder, and a file was expected. Name a file"),
    "the file leads nowhere": (_config_leads_nowhere, "handover.toml cannot be used: .*Correct that"),
    "the file is not UTF-8": (_config(b"[backend]\npath = '\xff'\n"), "is not UTF-8 text: .*Save it as UTF-8"),
    "the file is no TOML": (_config(b"[backend\n"), "is not valid TOML: .*Correct that line"),
    "the file lacks what is needed": (_config(b"[backend]\n"), "values that are not as expected:"),
}
DATABASES = {
    "no variable": (lambda _: {"HANDOVER_DATABASE_URL": ""}, "HANDOVER_DATABASE_URL is not set; .*Set it"),
    "no URL": (
        lambda _: {"HANDOVER_DATABASE_URL": f"postgresql://u:{SECRET}@[::1/d"},
        "HANDOVER_DATABASE_URL holds no database URL; .*Correct it",
    ),
    "no server": (_url(port="1", password=SECRET), "does not answer at 127.0.0.1, port 1. Start its server, or"),
    "no host": (_url(host="db.invalid", password=SECRET), "host 'db.invalid' is unknown here. Correct the host"),
    "no database": (_url(dbname="gone"), 'the server has no database "gone". Correct the database'),
    "no role": (_url(user="ghost", password=SECRET), 'password of "ghost". Correct the password'),
    "wrong password": (_url(password=SECRET), 'does not accept the password of "owner". Correct the password'),
    "no login": (_no_login, f'the role "{NO_LOGIN}" may not log in. As an administrator: ALTER ROLE'),
    "no connections left": (_no_more_connections, "takes no more connections. End some, or raise"),
    "no right to connect": (_no_connect, "may not connect to the database .* GRANT CONNECT ON DATABASE"),
}
SYSTEMS = {
    "no interpreter": (_python("./no/python3"), "could not be started with .*no/python3'.*Correct `python`"),
    "an old interpreter": (_python(*OLD), "is Python 3.6.9, and handover needs 3.8 or newer. Name another: `python`"),
    "no Django": (_python(*BARE), "has no Django(.|\n)*Name that of its virtual environment: `python`"),
    "no settings": (
        _declared(SETTINGS, 'settings = "settingz"'),
        "no settings module 'settingz' in(.|\n)*Correct `settings`",
    ),
    "no folder": (_declared(PATH, 'path = "backened"'), "its folder .*/backened is not there(.|\n)*Correct `path`"),
    "no variable of a system": (_declared('DB_NAME = "', 'DB_NAME = "${GONE}'), "variable GONE is not set; .*Set it"),
}
PLACES = {
    "the contract is a folder": (_contract(None), "contract.json is a folder, and a file was expected. Name a file"),
    "the contract is no JSON": (_contract(b"{"), "contract.json is not as expected:"),
    "the contract is not UTF-8": (_contract(b'{"a": "\xff"}'), "contract.json is not as expected:"),
    "the place is a file": (_place_is_a_file, "handover.* below something that is no folder. Correct the path|exists"),
    "the copy of the journal is broken": (_broken_journal, "line 1 of .*journal.jsonl is no entry.*Move the file away"),
}


@contextmanager
def _children_heard(file: Path) -> Iterator[None]:
    """Send to a file what the systems' own interpreters print."""
    kept = os.dup(2)
    with file.open("ab") as heard:
        os.dup2(heard.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def tried(story: Story, words: tuple[str, ...], environment: dict[str, str]) -> tuple[int, str, str]:
    """Run one command; return its exit code, everything that was printed, and what of it is about how it ended."""
    story.pair.patch.setenv("HANDOVER_DATABASE_URL", story.pair.database.url("owner"))
    story.pair.patch.setenv("HANDOVER_RESTORE_URL", story.pair.database.url("owner"))
    story.pair.patch.setenv("BACKEND_DATABASE_PASSWORD", SECRET)
    for name, value in environment.items():
        story.pair.patch.setenv(name, value)
    heard = story.pair.folder / "heard"
    heard.write_bytes(b"")
    with _children_heard(heard):
        ended = story.pair.ended(*words)
    return ended.returncode, ended.stdout + ended.stderr + heard.read_text(), ended.stderr


def complaints(code: int, printed: str, told_last: str, expected: str | None) -> Iterator[str]:
    """Yield what is wrong with how a command ended."""
    if re.search(r"Traceback|psycopg\.|pydantic|OperationalError|OSError|FileNotFound|IsADirectory|\[Errno", printed):
        yield "shows what only programmers read"
    if SECRET in printed or "://owner:" in printed:
        yield "shows a password"
    if code not in (0, 1, 2, 3, 4):
        yield f"ends with {code}"
    if expected and (code == 0 or not re.search(expected, printed)):
        yield f"does not say {expected!r}"
    if (last := re.search(r"^HO\d{3}  (.|\n)*", told_last, re.MULTILINE)) and last[0].count("\n") > MOST_LINES:
        yield "is long"


# What these do, they do without it: they print what they would do, or read what is on this machine.
WITHOUT_DATABASE = {
    "init", "watch", "shadow", "report", "status", "backup", "load", "rollback", "rehearse-rollback", "pause",
    "restore", "restore --apply",
    "cleanup", "contract", "cutover begin", "cutover end", "cutover plan", "cutover", "cutover --apply 4f2a",
    "events", "metrics", "hooks list", "hooks add", "hooks try",
}  # fmt: skip
WITH_SYSTEMS = {"doctor", "check", "document", "adopt", "adopt --apply", "prove"}
WITH_CONTRACT = {"check", "prove", "contract", "contract accept"}


def must_say(thing: str, command: str) -> bool:
    """Say whether a command cannot do without a thing."""
    if thing in FILES:
        return command != "init"
    if thing in DATABASES:
        return command not in WITHOUT_DATABASE
    if thing in SYSTEMS:
        return command in WITH_SYSTEMS
    return command in WITH_CONTRACT and "contract" in thing


@pytest.fixture
def started(story, monkeypatch) -> Story:
    """A pair with a journal; what commands write beside them goes to its folder."""
    monkeypatch.chdir(story.pair.folder)
    story.declare("[watch]\nwindow_s = 0.2\ninterval_s = 0.1\n")
    story.with_journal()
    return story


@pytest.mark.parametrize("thing", FILES | DATABASES | SYSTEMS | PLACES)
@pytest.mark.thinned(to_one_in=9)
def test_every_command__something_is_missing__says_so_in_plain_words(started, thing):
    take, expected = (FILES | DATABASES | SYSTEMS | PLACES)[thing]
    environment = take(started)
    found, said = [], 0
    for words in tried_with(thing):
        code, printed, told_last = tried(started, words, environment)
        needed = must_say(thing, name_of(words))
        said += needed
        wrong = list(complaints(code, printed, told_last, expected if needed else None))
        found += [f"{name_of(words)} {problem}, exit {code}:\n{printed}" for problem in wrong]
    assert not found, "\n".join(found)
    assert said or thing in PLACES


@pytest.mark.parametrize("thing", ["no interpreter", "an old interpreter", "no Django"])
def test_init__interpreter_cannot_be_asked__says_so_and_writes_nothing(started, thing):
    take, expected = SYSTEMS[thing]
    python = take(started)["PYTHON_OF_INIT"]
    started.file.unlink()
    pythons = ("--original-python", python, "--backend-python", python)
    settings = ("--original-settings", "settings", "--backend-settings", "settings")
    code, printed, told_last = tried(started, (*INIT, *pythons, *settings), {})
    assert list(complaints(code, printed, told_last, expected)) == []
    assert not started.file.exists()


NEEDED = WORDS.keys() - {"--because"}
INIT = ("init", "--original", "original", "--backend", "backend")


@pytest.mark.parametrize("words", [words for words in COMMANDS if set(words) & NEEDED], ids=" ".join)
def test_command__without_its_words__names_all_that_it_needs(pair, words):
    bare = name_of(words).split()
    ended = pair.ended(*bare)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"HO001  `handover {name_of(words).removesuffix(' --apply')}` needs " in ended.stderr
    for word in set(words) & WORDS.keys():
        assert word in ended.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    {
        ("chek",): "`handover`: no such command 'chek'. Did you mean 'check'? Every option is explained by",
        ("check", "--al"): "`handover check`: no such option: --al",
        ("check", "--census-seconds", "x"): "`handover check`: invalid value for '--census-seconds'",
    }.items(),
    ids=str,
)
def test_command__is_mistyped__is_told_in_a_sentence(words, said, capsys):
    with pytest.raises(SystemExit) as ended:
        app([*words])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


# --- what happens in the middle


class Cutting(socketserver.ThreadingTCPServer):
    """A way to a database server that ends every connection after so many bytes of answers."""

    daemon_threads = allow_reuse_address = True

    def __init__(self, target: tuple[str, int], after_bytes: int) -> None:
        super().__init__(("127.0.0.1", 0), _Cut)
        self.target, self.after_bytes = target, after_bytes


class _Cut(socketserver.BaseRequestHandler):
    server: Cutting

    def handle(self) -> None:
        left = self.server.after_bytes
        with socket.create_connection(self.server.target) as server, suppress(OSError):
            while left > 0:
                for end in select.select([self.request, server], [], [])[0]:
                    data = end.recv(min(left, 4096) if end is server else 4096)
                    if not data:
                        return
                    (self.request if end is server else server).sendall(data)
                    left -= len(data) if end is server else 0


@pytest.fixture
def cut_after(started) -> Iterator[Callable[[int], str]]:
    """Return the URL of a way that ends after so many bytes."""
    known = conninfo_to_dict(started.pair.database.url("owner"))
    with ExitStack() as stack:

        def opened(after_bytes: int) -> str:
            server = stack.enter_context(Cutting((str(known["host"]), int(str(known["port"]))), after_bytes))
            thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
            thread.start()
            stack.callback(server.shutdown)
            return make_url(started, port=str(server.server_address[1]))

        yield opened


@pytest.mark.parametrize("after_bytes", [700, 6000])
def test_every_command__connection_is_cut_in_the_middle__says_so(started, cut_after, after_bytes):
    url, found, cut = cut_after(after_bytes), [], 0
    for words in tried_with("x" * (after_bytes // 700)):
        if words[0] in ("watch", "shadow", "report"):  # they go on, and tell what they could not see
            continue
        code, printed, told_last = tried(started, words, {"HANDOVER_DATABASE_URL": url})
        found += [f"{name_of(words)} {wrong}:\n{printed}" for wrong in complaints(code, printed, told_last, None)]
        cut += bool(re.search("cut in the middle. Check that the server runs, then run again", printed))
    assert not found, "\n".join(found)
    assert cut > 1


def test_command__interrupted_while_a_system_is_silent__ends_at_once_in_a_sentence(started):
    _python("sh", "-c", "echo begun >&2; exec sleep 600")(started)
    with started.pair.process("check", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr
        heard = ""
        while heard.count("begun") < 2:  # two systems may write one line at the same moment
            line = process.stderr.readline()
            assert line, heard
            heard += line
        process.send_signal(signal.SIGINT)
        assert process.wait(WITHIN_S) == 130
        said = process.stderr.read().lstrip()  # of two lines in one, the end of the second is still to come
        assert said.startswith("HO251  interrupted before the end; the output is not complete.")


def test_agent__interrupted_with_the_command__says_nothing(started):
    started.pair.change("backend/settings.py", "USE_TZ = True", "USE_TZ = True\nimport os\nos.kill(os.getpid(), 2)")
    code, printed, _ = tried(started, ("doctor",), {})
    assert (code, "KeyboardInterrupt" in printed) == (0, False), printed


def test_command__output_is_full__says_so():
    with Path("/dev/full").open("w") as full:
        program = [sys.executable, "-c", "from handover.cli import app; app()", "check", "--help"]
        ended = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert (
        ended.stderr
        == "HO250  a file, or the output, cannot be written: the disk is full. Make room, then run again.\n"
    )


def test_command__toolkit_itself_is_wrong__keeps_the_traceback_in_a_file(monkeypatch, capsys):
    monkeypatch.setattr("handover.cli.check.load_config", lambda _: 1 // 0)
    with pytest.raises(SystemExit) as ended:
        app(["check"])
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "HO252  handover itself failed in test_troubles.py, line" in said
    assert "Traceback" not in said
    kept = Path(re.search(r"the traceback is in (\S+\.txt)", said)[1])
    assert "ZeroDivisionError" in kept.read_text()
    kept.unlink()


# What the driver says, which cannot all be provoked here → what people are told.
DRIVER = {
    psycopg.OperationalError("FATAL: sorry, too many clients already"): "the server takes no more connections. End",
    psycopg.OperationalError("FATAL: the database system is starting up"): "is starting up. Run again when it is up.",
    psycopg.OperationalError('no pg_hba.conf entry for host "::1", user "x"'): "admits no such connection: host",
    psycopg.OperationalError("FATAL: niemand da"): "the database refused: niemand da. Correct that",
    psycopg.errors.QueryCanceled("canceling statement due to user request"): "cancelled a statement: canceling",
    psycopg.errors.DiskFull("could not extend file: No space left"): "server's disk is full: could not extend file",
    psycopg.errors.AdminShutdown("terminating connection"): "was cut in the middle. Check that the server runs",
    psycopg.errors.InsufficientPrivilege("permission denied for table a"): "`handover doctor` names the GRANT",
    psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"): "takes no writes: cannot execute INSERT. Name the",
    NotImplementedError("can't parse timestamptz with DateStyle 'SQL, DMY': '1/2/2026'"): "'SQL, DMY' has it.*PGDATEST",
    OSError(errno.ENOSPC, "No space left on device", "/srv/x"): "/srv/x cannot be written: the disk is full. Make room",
    PermissionError(errno.EACCES, "Permission denied", "/srv/x"): "/srv/x may not be opened by this account. Correct",
    OSError(errno.EROFS, "Read-only file system", "/srv/x"): "/srv/x cannot be written: the file system is read-only.",
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"): "a file is not UTF-8 text: .*Save it as UTF-8",
}


@pytest.mark.parametrize(("error", "sentence"), DRIVER.items(), ids=str)
def test_told__what_the_world_did__is_a_plain_sentence(error, sentence):
    assert re.search(sentence, str(as_handover_error(error)))


def test_without_secrets__urls_and_parameters__keep_all_but_the_password():
    text = "a postgresql://owner:hunter2@h/d, redis://:hunter2@h and host=h password='hunter2' user=u"
    assert without_secrets(text) == "a postgresql://owner:…@h/d, redis://:…@h and host=h password=… user=u"
