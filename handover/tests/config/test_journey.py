"""A flow that is written down wrongly is refused with its line, before anything is asked."""

from pathlib import Path

import pytest

from handover.config.config import load_config
from handover.errors import ConfigurationError

HEAD = '[backend]\npath = "b"\npython = ["p"]\nsettings = "s"\n[[models]]\noriginal="o"\nbackend="b"\ntable="t"\n'
FLOW = '[[flows]]\nname = "f"\n[[flows.steps]]\npath = "/a"\n[[flows.steps]]\nname = "b"\n'
WRONG = {
    'path = "/{task}"': r"line 9: flows.0: .*line 13: step 2 \(b\) needs \{task\}, which no step before it saves",
    'path = "/a"\nsame_as = "x"': r"line 13: step 2 \(b\) is to be the same as 'x', which no step before it keeps",
    'path = "a"': r"line 15: flows.0.steps.1.path: String should match pattern",
    'path = "/a"\njson = {}\nform = {}': r"line 13: flows.0.steps.1: .*has json and form; a request has one body",
    'path = "/a"\nrange = [9, 3]': r"line 13: flows.0.steps.1: .*range is \[9, 3\]; it is the first and the last byte",
    'path = "/a"\nsave = { a = "text:(" }': r"line 13: .*saves by '\(', which is no regular expression",
    'path = "/a"\nsave = { a = "text:x" }': r"line 13: .*saves by 'x'; a regular expression with just one group",
    'path = "/a"\nstatsu = 200': r"line 16: flows.0.steps.1.statsu: Extra inputs are not permitted",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_load__flow_that_makes_no_sense__is_refused_with_its_line(tmp_path: Path, text: str, message: str):
    file = tmp_path / "handover.toml"
    file.write_text(HEAD + FLOW + text)
    with pytest.raises(ConfigurationError, match=message):
        load_config(file)


def test_load__second_flow__has_lines_of_its_own(tmp_path: Path):
    file = tmp_path / "handover.toml"
    file.write_text(HEAD + FLOW + 'path = "/b"\n' + FLOW + 'path = "/b"\non = "backend"\n')
    first, second = load_config(file).flows
    assert [step.line for step in (*first.steps, *second.steps)] == [11, 13, 18, 20]
