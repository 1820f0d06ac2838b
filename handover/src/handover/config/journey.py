"""``[[flows]]`` of ``handover.toml``: how journeys are declared."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from handover.config.section import Section
from handover.config.templates import names_in
from handover.side import Side

# ``either`` is the system that a run is on, ``other`` the other system.
On = Side | Literal["either", "other"]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
VariableName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]
# Variables of every run: a new text for names, and one for a password.
GIVEN = ("run", "password")
SAFE_METHODS = ("GET", "HEAD")


class Upload(Section):
    """A file that a form sends: its field, its path relative to ``handover.toml``, its name and its type."""

    field: str
    path: Path
    name: str
    type: str = "application/octet-stream"


class JourneyStep(Section):
    """One request and the expected answer.

    Texts may hold ``{name}`` for a variable of the flow, for one that an earlier step saved, for ``run`` (a new text
    in each run) or ``password`` (a new one too).

    Attributes
    ----------
    name
        Its name for people; method and path by default.
    on
        The system that is asked.
    store
        Instead of a request: let the system save a file under this name, through its own storage. Its ``name`` and
        ``base`` name can be saved and its bytes kept. Only the proof of storage can do this.
    method, path, headers, body, form, file
        The request; ``json`` in the file is ``body``. The CSRF token is sent when the jar has its cookie.
    range
        First and last byte to ask for; the answer must be 206 with exactly these bytes.
    follow
        Follow redirects of the same system, as a browser does.
    status
        The expected status; several are alternatives.
    expect
        JSON paths and their expected values.
    has
        JSON paths that must exist.
    contains, lacks
        A text that the body must, or must not, hold.
    type
        The beginning of ``Content-Type``.
    save
        Variables and where they come from: a JSON path, ``header:NAME`` or ``text:REGULAR EXPRESSION``.
    keep, same_as
        A name under which the body is kept; the name of an earlier body that it must equal, or be the range of.
    until, within_s, every_s
        The request is repeated until one of these JSON paths has one of its values, for at most ``within_s`` seconds,
        every ``every_s`` seconds.
    always
        The step is made after a failure, too, if its variables are known: to clean up.
    line
        Its line in ``handover.toml``.
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
        """Accept a single status, and a single value to wait for, without brackets."""
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
        """Its name for people."""
        return self.name or (f"store {self.store}" if self.store else f"{self.method} {self.path}")

    @property
    def statuses(self) -> tuple[int, ...]:
        """The expected statuses: the declared ones, otherwise 206 for a range and 200 for the rest."""
        return self.status or ((206,) if self.range else (200,))

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return bool(self.store) or self.method not in SAFE_METHODS

    def needs(self) -> frozenset[str]:
        """Return the variables that its texts hold."""
        texts = (self.path, self.store, self.headers, self.body, self.form, self.expect, self.contains, self.lacks)
        return frozenset().union(*map(names_in, texts))


class Journey(Section):
    """What a person does, one step after another.

    Attributes
    ----------
    name
        Its name for people.
    cookies
        Names of the cookies that both systems share, as they do under one host name.
    csrf_cookie, csrf_header
        The cookie with Django's token, and the header that sends it back.
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
        """The systems that it can run on: both, or only one run if every step names its system."""
        free = any(step.on in ("either", "other") for step in self.steps)
        return tuple(Side) if free else (Side.ORIGINAL,)

    @property
    def stores(self) -> bool:
        """Whether a step stores a file, which takes more than HTTP."""
        return any(step.store for step in self.steps)

    def writes_on(self, side: Side, on: str) -> bool:
        """Say whether a run on one of the systems may change something through a system."""
        return any(step.writes and which(step.on, on) == side for step in self.steps)

    def systems(self, on: str) -> frozenset[str]:
        """Return the systems that a run on one of them asks."""
        return frozenset(which(step.on, on) for step in self.steps)


def which(step_on: On, run_on: str) -> Side:
    """Return the system that a step asks in a run on one of them."""
    if isinstance(step_on, Side):
        return step_on
    return Side(run_on) if step_on == "either" else Side(run_on).other


def numbered(values: Mapping[str, Any], text: str, line_of: Any) -> dict[str, Any]:
    """Return the values of a ``handover.toml`` in which each step of a flow knows its line.

    Parameters
    ----------
    values, text
        The parsed file, and its text.
    line_of
        Returns the line of a place in the text.
    """
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
