"""The tables of ``docs/reference/evolve.md`` about states, written from the table that decides."""

from handover.evolve.states import EVOLVE_DESCRIPTIONS, EVOLVE_STATES, EVOLVE_TRANSITIONS, WITH_WAY_BACK, evolve_allowed


def evolve_states_tables() -> str:
    """Return the tables of states and commands, as Markdown."""
    lines = ["| state | what it means | commands | next |", "|--|--|--|--|"]
    for state in EVOLVE_STATES:
        description = EVOLVE_DESCRIPTIONS[state]
        commands = [f"`{command}`" for command in evolve_allowed(state)]
        commands += ["`resume --back`"] if state in WITH_WAY_BACK else []
        todo = description.next_command.replace(" {name}", "")
        text = f"{description.text[0].upper()}{description.text[1:]}"
        lines.append(f"| {state} | {text} | {', '.join(commands) or '—'} | `{todo}` |")
    lines += ["", "| command | from | through | to |", "|--|--|--|--|"]
    for t in EVOLVE_TRANSITIONS:
        lines.append(f"| `{t.command}` | {', '.join(t.sources)} | {t.through} | {t.target} |")
    return "\n".join([*lines, ""])
