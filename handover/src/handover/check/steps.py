"""Whether the backend may run beside the original, and what must be done first, in which order."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from handover.check.verdict import Verdict
from handover.finding import Finding
from handover.rules import RULES
from handover.rules.tables import ADOPT_BY_HAND
from handover.wording import counted

# With the verdict and a heading above them, they are the first ten lines.
MOST = 8
# Urgent even when they are only risky: the steps after them rely on them.
FIRST = ("HO100", "HO109", "HO170", "HO172", "HO173", "HO174", "HO175")
# Nouns of rules that have a step of their own; all others are about tables.
FIELDS = ("fields", "relations", "model code", "options")
SETTINGS = ("settings", "accounts", "sessions", "storages")
ROLES, PERMISSIONS = ("roles",), ("permissions",)
ELSEWHERE = (*FIELDS, *SETTINGS, *ROLES, *PERMISSIONS)
CONNECTS = ("HO170", "HO189", "HO190", "HO197")


@dataclass(frozen=True)
class TodoStep:
    """One thing to do, and the findings that ask for it."""

    words: str
    findings: tuple[Finding, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """Where, each place once."""
        return tuple(dict.fromkeys(finding.where for finding in self.findings))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its findings, each once."""
        return tuple(sorted({finding.code for finding in self.findings}))


def _noun(*nouns: str) -> Callable[[Finding], bool]:
    return lambda f: f.code in RULES and RULES[f.code].code.noun in nouns


def _of_history(finding: Finding) -> bool:
    return finding.code in FIRST and finding.code != "HO100"


def _by_adoption(finding: Finding) -> bool:
    """Say whether an adoption mends it: its advice begins with that."""
    return not _by_hand(finding) and (finding.code == "HO100" or finding.todo.startswith("handover adopt "))


def _by_hand(finding: Finding) -> bool:
    return finding.todo == ADOPT_BY_HAND


def _needed_by_backend(finding: Finding) -> bool:
    return finding.hurts == "backend" and (finding.code in ("HO010", "HO011", "HO132") or _of_history(finding))


def _to_mend(finding: Finding) -> bool:
    rule = RULES.get(finding.code)
    return (
        rule is not None
        and rule.code.noun not in ELSEWHERE
        and not (_by_adoption(finding) or _by_hand(finding) or _needed_by_backend(finding))
    )


# A finding belongs to the first step that fits, and the steps are done in this order: an adoption refuses shared tables
# that differ from the models, and what the backend alone needs comes with or after it.
STEPS: tuple[tuple[str, Callable[[Finding], bool]], ...] = (
    ("Make the system start", lambda f: f.code == "HO104"),
    ("Let the check read everything", lambda f: f.code == "HO242"),
    ("Let both systems connect as they should", lambda f: f.code in CONNECTS),
    ("Bring the migrations of the original in order", lambda f: _of_history(f) and f.hurts != "backend"),
    ("Mend the database, or the wrong models", _to_mend),
    ("Write the backend's models as the original's", _noun(*FIELDS)),
    ("Give both systems the same settings", _noun(*SETTINGS)),
    ("Adopt the backend (handover adopt)", _by_adoption),
    ("Take the backend in by hand", _by_hand),
    ("Make what the backend's models need", _needed_by_backend),
    ("Give the roles what they need", _noun(*ROLES)),
    ("Give both systems the same permissions", _noun(*PERMISSIONS)),
    ("Correct the rows", lambda _: True),
)


def answer(verdict: Verdict) -> str:
    """Return in one sentence whether the backend may run beside the original."""
    breaking = sum(f.severity == "breaking" for f in verdict.problems)
    risky = len(verdict.problems) - breaking
    if verdict.result.subject.both is None:
        return "Not known: a system does not start, so nothing was compared."
    if breaking:
        breaks = "finding breaks" if breaking == 1 else "findings break"
        return f"No, the backend may not run beside the original yet: {breaking} {breaks} one of them."
    if verdict.unseen:
        return f"Not known yet: {counted(len(verdict.unseen), 'thing')} could not be looked at."
    if risky:
        return f"Not yet: nothing is known to break, but {counted(risky, 'risk')} must be decided."
    return "Yes, the backend may run beside the original, as far as the check can see."


def steps(verdict: Verdict) -> tuple[TodoStep, ...]:
    """Return what must be done, in order; what is only risky or unseen comes last."""
    urgent = [f for f in (*verdict.problems, *verdict.unseen) if _is_urgent(f)]
    found = list(_sorted_into_steps(urgent))
    by_hand = tuple(f for f in verdict.unseen if f not in urgent)
    if by_hand:
        found.append(TodoStep("Look by hand, or accept", by_hand))
    if risky := tuple(f for f in verdict.problems if f not in urgent):
        found.append(TodoStep(f"Mend or accept {counted(len(risky), 'risky finding')}", risky))
    return tuple(found)


def _is_urgent(finding: Finding) -> bool:
    return finding.severity == "breaking" or finding.code in (*FIRST, "HO104", "HO242")


def _sorted_into_steps(findings: Iterable[Finding]) -> Iterator[TodoStep]:
    groups: dict[str, list[Finding]] = {words: [] for words, _ in STEPS}
    for finding in findings:
        groups[next(words for words, fits in STEPS if fits(finding))].append(finding)
    yield from (TodoStep(words, tuple(group)) for words, group in groups.items() if group)
