"""The pair of the strategy in its original form: adopted, proved and undone as its README tells."""

import subprocess
import sys

from sandbox import house


def test_example_of_the_strategy__played__is_adopted_proved_and_gone_without_a_trace():
    command = [sys.executable, str(house.ROOT / "examples/strategy/play.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for line in (
        "tokens.0002_identifiers_as_text by the backend's interpreter, as backend_app: RunPython write_as_text",
        "choreography_blueprints.task_id gets ON DELETE CASCADE",
        "Columns that the backend adds to choreography_tasks, by the owner of the table",
        "strategy is adopted: backend_app has its own schema backend.",
        "own rows: 4 that reference shared rows",
        "groups green",
        "no trace of the backend is left",
    ):
        assert line in done.stdout + done.stderr
