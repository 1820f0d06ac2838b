"""``[[flows]]`` of ``handover.toml``: the little language that journeys are written in."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from handover.config.section import Section
from handover.config.templates import names_in
from handover.side import Side

# ``either`` is the system that a run is on, ``other`` the one that looks on.
On = Side | Literal["either", "other"]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
VariableName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]
# What every run knows: a text of its own for names, and one for a password.
GIVEN = ("run", "password")


class Upload(Section):
    """A file that a form sends: its field, its path relative to ``handover.toml``, its name and its type."""

    field: str
    path: Path
    name: str
    type: str = "application/octet-stream"


class JourneyStep(Section):
    """One request and what must come back.

    Texts may hold ``{name}`` for a variable of the flow, for one that an earlier step saved, for ``run`` (a new text
    in each run) or ``password`` (a new one too).

    Attributes
    ----------
    name
        What people call it; without one, method and path.
    on
        Which system is asked.
    store
        Instead of a request: let the system save a file under this name, through its own storage. Its ``name`` and
        ``base`` name can be saved and its bytes kept. Only the proof of storage can do this.
    method, path, headers, body, form, file
        The request; ``json`` in the file is ``body``. The CSRF token is sent when the jar has its cookie.
    range
        First and last byte to ask for; the answer must be 206 with just these.
    follow
        Follow redirects of the same system, as a browser does.
    status
        What must come back; several are alternatives.
    expect
        JSON paths and the values that must stand there.
    has
        JSON paths that must be there.
    contains, lacks
        A text that the body must, or must not, hold.
    type
        How ``Content-Type`` begins.
    save
        Variables and where they come from: a JSON path, ``header:NAME`` or ``text:REGULAR EXPRESSION``.
    keep, same_as
        Name under which the body is kept for later; name of an earlier one that it must equal, or be the range of.
    until, within_s, every_s
        The request is made again until one of these JSON paths has one of its values, for so many seconds, with so
        many between two.
    always
        Made after a failure as well, if the variables it needs are known: to leave nothing behind.
    line
        Where it stands in ``handover.toml``.
    """

    name: str = ""
    on: On = "either"
    method: Method = "GET"
    path: str = Field(default="", pattern=r"^[/{]")
    store: str | None = None
    headers: dict[str, str] = {}
    body: Any = Field(default=None, alias="json")
    form: dict[str, str] | None = None
    file: Upload | None = None
    range: tuple[int, int] | None = None
    follow: bool = False
    status: tuple[int, ...] = ()
    expect: dict[str, Any] = {}
    has: tuple[str, ...] = ()
    contains: str | None = None
    lacks: str | None = None
    type: str | None = None
    save: dict[VariableName, str] = {}
    keep: str | None = None
    same_as: str | None = None
    until: dict[str, tuple[Any, ...]] = {}
    within_s: float = Field(default=30.0, gt=0)
    every_s: float = Field(default=0.2, gt=0)
    always: bool = False
    line: int = 0

    @model_validator(mode="before")
    @classmethod
    def _one_is_a_list(cls, values: Any) -> Any:
        """Let a single status, and a single value to wait for, stand without brackets."""
        if not isinstance(values, dict):
            return values
        if isinstance(values.get("status"), int):
            values = values | {"status": [values["status"]]}
        if isinstance(until := values.get("until"), dict):
            values = values | {"until": {k: v if isinstance(v, list) else [v] for k, v in until.items()}}
        return values

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if bool(self.path) == bool(self.store):
            raise ValueError("needs a path to ask for, or a file to store; one of them.")
        if sum(part is not None for part in (self.body, self.form)) > 1:
            raise ValueError("has json and form; a request has one body.")
        if self.file is not None and self.body is not None:
            raise ValueError("has json and a file; a file goes with a form.")
        if self.range is not None and not 0 <= self.range[0] <= self.range[1]:
            raise ValueError(f"range is {list(self.range)}; it is the first and the last byte, from 0.")
        for source in self.save.values():
            _check_source(source)
        return self

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or (f"store {self.store}" if self.store else f"{self.method} {self.path}")

    @property
    def statuses(self) -> tuple[int, ...]:
        """Which statuses are right: 206 for a range, else 200, unless others are named."""
        return self.status or ((206,) if self.range else (200,))

    def needs(self) -> frozenset[str]:
        """Return the variables that its texts hold."""
        texts = (self.path, self.store, self.headers, self.body, self.form, self.expect, self.contains, self.lacks)
        return frozenset().union(*map(names_in, texts))


class Journey(Section):
    """What somebody does, one step after another.

    Attributes
    ----------
    name
        What people call it.
    cookies
        Names of the cookies that go along from one system to the other, as they do under one host name.
    csrf_cookie, csrf_header
        Where Django keeps its token, and how it is sent back.
    variables
        Texts for the steps; ``${NAME}`` stands for a variable of the environment, ``{run}`` for the run.
    steps
        At least one.
    """

    name: str = Field(min_length=1)
    cookies: tuple[str, ...] = ()
    csrf_cookie: str = "csrftoken"
    csrf_header: str = "X-CSRFToken"
    variables: dict[VariableName, str] = {}
    steps: tuple[JourneyStep, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _variables_are_known(self) -> Self:
        known, kept = {*GIVEN, *self.variables}, set[str]()
        for number, step in enumerate(self.steps, 1):
            where = f"line {step.line}: step {number} ({step.title})"
            if unknown := sorted(step.needs() - known):
                raise ValueError(f"{where} needs {{{unknown[0]}}}, which no step before it saves and no variable is.")
            if step.same_as is not None and step.same_as not in kept:
                raise ValueError(f"{where} is to be the same as {step.same_as!r}, which no step before it keeps.")
            known |= step.save.keys()
            kept |= {step.keep} if step.keep else set()
        return self

    @property
    def sides(self) -> tuple[Side, ...]:
        """On which systems it can be run: both, unless its steps say so themselves, and then once."""
        free = any(step.on in ("either", "other") for step in self.steps)
        return (Side.ORIGINAL, Side.BACKEND) if free else (Side.ORIGINAL,)

    @property
    def stores(self) -> bool:
        """Whether it lets a system store a file, which takes more than HTTP."""
        return any(step.store for step in self.steps)

    def systems(self, on: str) -> frozenset[str]:
        """Return the systems that a run on one of them asks."""
        return frozenset(which(step.on, on) for step in self.steps)


def which(step_on: On, run_on: str) -> Side:
    """Return the system that a step asks in a run on one of them."""
    if step_on in ("original", "backend"):
        return step_on
    return Side.BACKEND if (run_on == Side.BACKEND) == (step_on == "either") else Side.ORIGINAL


def numbered(values: Mapping[str, Any], text: str, line_of: Any) -> dict[str, Any]:
    """Return the values of a ``handover.toml`` in which each step of a flow knows its line."""
    flows = values.get("flows")
    if not isinstance(flows, list):
        return dict(values)
    return {**values, "flows": [_with_lines(flow, number, text, line_of) for number, flow in enumerate(flows)]}


def _with_lines(flow: Any, number: int, text: str, line_of: Any) -> Any:
    steps = flow.get("steps") if isinstance(flow, dict) else None
    if not isinstance(steps, list):
        return flow
    places = (("flows", number, "steps", index) for index in range(len(steps)))
    pairs = zip(steps, places, strict=True)
    lines = [{**step, "line": line_of(text, place)} if isinstance(step, dict) else step for step, place in pairs]
    return {**flow, "steps": lines}


def _check_source(source: str) -> None:
    kind, _, rest = source.partition(":")
    if kind == "text" and rest:
        try:
            groups = re.compile(rest).groups
        except re.error as error:
            raise ValueError(f"saves by {rest!r}, which is no regular expression: {error}.") from error
        if groups != 1:
            raise ValueError(f"saves by {rest!r}; a regular expression with just one group was expected.")
