"""The page ``docs/reference/states.md``, written from the tables that decide."""

from handover.config.config import Config
from handover.cutover.commands import commands
from handover.cutover.states import COMMAND_BACK, DESCRIPTIONS, STATES, TRANSITIONS

_HEAD = """\
# States of a move

Written from `handover/src/handover/cutover/states.py`; a test compares. A state that is passed *through* holds until
every action of its command is done, so a crash leaves the state that says so; the journal names the action.
`handover resume` goes on from there, `handover resume --back` goes back. *Ready* is not a state: it means that every
gate is green, and `handover gates` and the switch itself ask the gates again. *Paused* holds in any state: no command
acts until `handover pause --lift`.

The name servers say which system people reach. `handover status` compares their answers with the journal and says when
they differ.
"""


def states_page(config: Config) -> str:
    """Return the page; the actions of a clean-up are those that ``config`` declares."""
    lines = [_HEAD, "| state | what it means | people reach | commands | back | next |", "|--|--|--|--|--|--|"]
    for state in STATES:
        description = DESCRIPTIONS[state]
        found = ", ".join(f"`{t.command}`" for t in TRANSITIONS if state in t.sources) or "—"
        back = f"`{COMMAND_BACK[state]}`" if state in COMMAND_BACK else "—"
        now = f"{description.text[0].upper()}{description.text[1:]}"
        cells = (now, description.people_reach, found, back, f"`{description.next_command}`")
        lines.append(f"| [{state}]({_runbook(state)}) | {' | '.join(cells)} |")
    lines += ["", "## Commands", "", "| command | from | through | to |", "|--|--|--|--|"]
    for t in TRANSITIONS:
        lines.append(f"| `{t.command}` | {', '.join(t.sources)} | {t.through or '—'} | {t.target} |")
    lines += ["", "## Actions, in their order", ""]
    for command in commands(config).values():
        lines.append(f"- `{command.name}`: {', '.join(action.name for action in command.actions)}")
    return "\n".join([*lines, ""])


def _runbook(state: str) -> str:
    return f"../runbooks/{state.replace('_', '-')}.md"
