"""What the final check of an adoption says of each thing that is not as planned."""

import pytest

from handover.adoption.adopt import asking_backend
from handover.adoption.final_check import require_adopted
from handover.adoption.history import MigrationHistory
from handover.config.config import load_config
from handover.errors import Refused
from handover_testing.newcomer import CREATE_TASK, App, task

SEEN = {"label": "tasks.Task", "table": "tasks", "managed": True, "place": "public", "error": None}
HURT = {
    "a table that cannot be read": ({**SEEN, "error": "ProgrammingError: x"}, [], "HO044  tasks cannot be read by"),
    "a table elsewhere": ({**SEEN, "place": "other"}, [], "HO044  tasks is found by"),
    "a shadow of a shared table": ({**SEEN, "place": "backend"}, [], "is found by {role} in schema backend"),
    "something left to migrate": (
        SEEN,
        [["tasks", "0009_new"]],
        "HO045  tasks.0009_new is left: manage.py migrate would run it",
    ),
}
QUIET = {
    "all well": (SEEN, []),
    "not Django's to make": ({**SEEN, "managed": False, "error": "ProgrammingError: x"}, []),
    "left for later": (SEEN, [["own", "0002_step"]]),
}


def looked(it, model: dict, waiting: list) -> None:
    it.write(tasks=App(task(), [CREATE_TASK]))
    config = load_config(it.folder / "handover.toml")
    with asking_backend(config) as asked:
        seen = {"models": [model], "waiting": waiting}
        history = MigrationHistory(later=(("own", "0002_step"),))
        require_adopted(it.database.url("owner"), config, asked.description, seen, history)


@pytest.mark.parametrize(("model", "waiting", "message"), HURT.values(), ids=HURT)
def test_require_adopted__not_as_planned__says_what(it, model, waiting, message):
    with pytest.raises(Refused) as refused:
        looked(it, model, waiting)
    assert message.format(role=it.role) in str(refused.value)


@pytest.mark.parametrize(("model", "waiting"), QUIET.values(), ids=QUIET)
def test_require_adopted__as_planned__is_quiet(it, model, waiting):
    looked(it, model, waiting)
