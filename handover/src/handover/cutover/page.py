"""The page ``docs/reference/states.md``, written from the tables that decide."""

from handover.config.config import Config
from handover.cutover.commands import commands
from handover.cutover.states import BACK, MEANINGS, STATES, TRANSITIONS

_HEAD = """\
# States of a move

Written from `handover/src/handover/cutover/states.py`; a test compares. A state that is passed *through* holds until
every action of its command is done, so a crash leaves the state that says so; the journal names the action.
`handover resume` goes on from there, `handover resume --back` goes back. *Ready* is no state: it is that every gate is
green, asked anew by `handover gates` and before the switch. *Paused* lies over any state: no command acts until
`handover pause --lift`.

Where people are is asked of the name servers, not believed: `handover status` compares them with the journal and says
when they differ.
"""


def states_page(config: Config) -> str:
    """Return the page; the actions of a clean-up are those that ``config`` declares."""
    lines = [_HEAD, "| state | what it means | people reach | commands | back | next |", "|--|--|--|--|--|--|"]
    for state in STATES:
        meaning = MEANINGS[state]
        found = ", ".join(f"`{t.command}`" for t in TRANSITIONS if state in t.sources) or "—"
        back = f"`{BACK[state]}`" if state in BACK else "—"
        now = f"{meaning.now[0].upper()}{meaning.now[1:]}"
        lines.append(
            f"| [{state}]({_runbook(state)}) | {now} | {meaning.serving} | {found} | {back} | `{meaning.next}` |"
        )
    lines += ["", "## Commands", "", "| command | from | through | to |", "|--|--|--|--|"]
    for t in TRANSITIONS:
        lines.append(f"| `{t.command}` | {', '.join(t.sources)} | {t.through or '—'} | {t.target} |")
    lines += ["", "## Actions, in their order", ""]
    for command in commands(config).values():
        lines.append(f"- `{command.name}`: {', '.join(action.name for action in command.actions)}")
    return "\n".join([*lines, ""])


def _runbook(state: str) -> str:
    return f"../runbooks/{state.replace('_', '-')}.md"
