"""A system that prints, floods, lies, hangs or raises: one clear error with its name, and nothing of it acts here."""

import json
import sys
from pathlib import Path

import pytest

from handover.config.config import System
from handover.errors import HandoverError, ProbeError, RaisedError
from handover.probe import client, overheard
from handover.probe.client import probe
from handover.schema.models import Description
from handover_testing.hostile import NAMES, acting_characters

DATABASE = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'none'}}"
ENOUGH_BYTES = 1 << 20
# An interpreter gets the length of the agent, the agent, and then requests.
READS = "i = sys.stdin.buffer; i.read(int(i.readline())); i.readline()\n"


def system(folder: Path, settings: str = "", program: str = "", **more: object) -> System:
    """Return a system whose settings do something, or whose interpreter is a program of this source."""
    text = f"SECRET_KEY = 'x'\nUSE_TZ = True\nINSTALLED_APPS = []\n{settings}\n{DATABASE}"
    (folder / "some_settings.py").write_text(text)
    python = sys.executable
    if program:
        path = folder / "interpreter"
        path.write_text(f"#!{sys.executable}\nimport json, sys, time\n{program}\n")
        path.chmod(0o755)
        python = str(path)
    return System(path=folder, python=(python,), settings="some_settings", **more)


def asked(folder: Path, it: System, **request: object):
    with probe("the backend", it, folder) as dialogue:
        return dialogue.ask("describe", **request)


# Each is what an interpreter writes instead of answers.
GARBAGE = {
    "no JSON": "print('\\x1b[2J garbage')",
    "a number": "print(1)",
    "a list": "print('[]')",
    "null": "print('null')",
    "an empty answer": "print('{}')",
    "two words": "print(json.dumps({'ok': 1, 'error': 'x'}))",
    "an error that is no text": "print(json.dumps({'error': {}}))",
    "deep": "print('[' * 20_000)",
    "a long number": "print('1' * 10_000)",
    "bytes that are no text": "sys.stdout.buffer.write(b'\\xff\\xfe\\n')",
}


@pytest.mark.parametrize("program", GARBAGE.values(), ids=GARBAGE)
def test_probe__garbage_in_place_of_an_answer__is_one_error_that_names_the_side(tmp_path, program):
    with pytest.raises(
        ProbeError, match=r"HO002  the backend answered 'start' with something that is no answer: b"
    ) as e:
        asked(tmp_path, system(tmp_path, program=READS + program))
    assert acting_characters(str(e.value)) == set()
    assert str(e.value).count("\n") == 0


def test_probe__answer_without_end__is_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "ANSWER_BYTES", ENOUGH_BYTES)
    endless = "while True: sys.stdout.write('x' * 65536)"
    with pytest.raises(ProbeError, match="HO002  the backend answered 'start' with more than 1 MB and was ended"):
        asked(tmp_path, system(tmp_path, program=READS + endless))


def test_probe__answers_without_end__are_cut_off(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "DIALOGUE_BYTES", 1000)
    with pytest.raises(ProbeError, match="was ended"):
        asked(tmp_path, system(tmp_path, "LONG = 'x' * 2000"), names=["LONG"])


def test_probe__more_answers_than_questions__is_an_error(tmp_path):
    """A system that finds the way to the dialogue cannot answer for later questions."""
    forged = json.dumps({"ok": True}) + "\n" + json.dumps({"ok": {"models": []}})
    program = f"{READS}print({forged!r}, flush=True)\nsys.stdin.read()"
    with pytest.raises(ProbeError, match="the backend wrote more than was asked"):
        asked(tmp_path, system(tmp_path, program=program))


def test_probe__description_that_is_none__is_one_error(tmp_path):
    forged = [json.dumps({"ok": True}), json.dumps({"ok": {"models": [1], "settings": "x"}})]
    program = READS + "".join(f"print({line!r}, flush=True)\nsys.stdin.readline()\n" for line in forged)
    with pytest.raises(ProbeError, match="the backend"):
        Description.of("the backend", asked(tmp_path, system(tmp_path, program=program)))


# Each is a class of an object in the settings.
OBJECTS = {
    "raises": "def __repr__(self): raise ValueError('no')",
    "raises in every way": "def __getattribute__(self, name): raise KeyboardInterrupt",
    "exits": "def __repr__(self): raise SystemExit(3)\n    __str__ = __reduce__ = __repr__",
    "prints": "def __repr__(self): print('{\"ok\": {}}', flush=True); return 'x'\n    __str__ = __repr__",
    "writes": "def __repr__(self): os.write(1, b'{\"ok\": {}}\\n'); return 'x'\n    __str__ = __repr__",
    "runs": "def __repr__(self): os.system('echo owned'); return 'x'\n    __str__ = __repr__",
    "returns no text": "def __repr__(self): return 1\n    __str__ = __repr__",
}


@pytest.mark.parametrize("body", OBJECTS.values(), ids=OBJECTS)
@pytest.mark.thinned(to_one_in=4)
def test_probe__object_that_does_something__is_described_or_is_one_error(tmp_path, body):
    settings = f"import os\nclass Hostile:\n    {body}\nTHING = Hostile()"
    try:
        answer = asked(tmp_path, system(tmp_path, settings), names=["THING"])["settings"]["named"]
    except RaisedError as error:
        answer = {"THING": str(error)}
        said = "HO002  the backend could not answer 'describe'. Its own words:"
    else:
        said = ""
    assert list(answer) == ["THING"]
    assert answer["THING"].startswith(said)


def test_probe__object_that_sleeps_for_ever__is_ended(tmp_path):
    waits = "def __getattribute__(self, n): threading.Event().wait()"
    sleeps = f"import threading\nclass Hostile:\n    {waits}\nTHING = Hostile()"
    with probe("the backend", system(tmp_path, sleeps), tmp_path) as dialogue:
        dialogue._within_s = 0.5
        with pytest.raises(ProbeError, match=r"HO002  the backend did not answer 'describe' within 0.5 s and was"):
            dialogue.ask("describe", names=["THING"])


def test_probe__error_of_a_system__acts_on_nothing_and_is_short(tmp_path):
    raises = f"raise ValueError({''.join(NAMES.values())!r} * 5000)"
    with pytest.raises(HandoverError) as error:
        asked(tmp_path, system(tmp_path, raises))
    assert len(str(error.value)) < 2 * client.ERROR_CHARACTERS


def test_probe__system_floods_standard_error__is_shown_in_part_without_what_acts(tmp_path, capsys):
    flood = "import sys\nsys.stderr.write('\\x1b[2J\\u202e' + 'x' * 5_000_000 + '\\n' + 'y\\n' * 500_000)"
    assert asked(tmp_path, system(tmp_path, flood))["models"] == []
    shown = capsys.readouterr().err
    assert acting_characters(shown) == set()
    assert shown.startswith("\\x1b[2J\\u202exxx")
    assert len(shown) < 2 * overheard.SHOWN_CHARACTERS
    assert shown.endswith("… the backend prints more, which is not shown\n")


def test_probe__secrets_of_its_environment__are_not_shown_when_it_prints_them(tmp_path, capsys):
    prints = "import os, sys\nprint('key', os.environ['MY_SECRET_KEY'], os.environ.get('HANDOVER_EVIDENCE_KEY'))"
    it = system(tmp_path, prints, environment={"MY_SECRET_KEY": "canary-in-the-environment"})
    asked(tmp_path, it)
    assert capsys.readouterr().err == "key … None\n"


def test_probe__variables_of_the_toolkit__do_not_reach_the_system(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HANDOVER_DATABASE_URL", "postgresql://owner:canary@db/live")
    monkeypatch.setenv("OTHER_URL", "stays")
    asked(
        tmp_path,
        system(
            tmp_path, "import os\nprint(sorted(n for n in os.environ if n in ('HANDOVER_DATABASE_URL', 'OTHER_URL')))"
        ),
    )
    assert capsys.readouterr().err == "['OTHER_URL']\n"


def test_probe__grandchild_keeps_the_pipe__is_not_waited_for(tmp_path):
    leaves = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'], stdin=0)"
    assert asked(tmp_path, system(tmp_path, leaves))["models"] == []


def test_probe__interpreter_behind_a_wrapper__ends_with_the_dialogue_and_its_last_words_are_shown(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(overheard, "END_WITHIN_S", 30)
    speaks = "import atexit, sys\natexit.register(print, 'goodbye', file=sys.stderr)"
    asked(tmp_path, system(tmp_path, speaks, "import subprocess\nsubprocess.run([sys.executable, *sys.argv[1:]])"))
    assert capsys.readouterr().err == "goodbye\n"


def test_probe__system_that_reads_nothing__is_ended(tmp_path):
    with pytest.raises(ProbeError, match=r"HO002  the backend did not answer 'start' within 0.5 s and was ended"):
        asked(tmp_path, system(tmp_path, program="time.sleep(60)", answer_within_s=0.5))
