"""``[watch]`` and ``[shadow]`` of ``handover.toml``: what is measured, how often, and the limits."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from handover.config.section import Section
from handover.side import Side

SideOrBoth = Side | Literal["both"]
Short = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,47}$")]
Share = Annotated[float, Field(ge=0, le=1)]
ColumnPath = Annotated[str, Field(pattern=r"^[\w$]+(\.[\w$]+){1,2}$")]


class WatchLimits(Section):
    """The largest values of a green window.

    Attributes
    ----------
    latency_p50_ms, latency_p95_ms
        Of all answers of one system.
    error_rate
        Share of requests that failed: no answer, 5xx, or not what a probe or journey expects.
    parity_lag_s
        From the change of a row until the other system reads it (95 of 100).
    connections_share
        Used connections of those the server lets ordinary roles open.
    tasks_stuck
        Unfinished tasks older than ``tasks.stuck_after_s``.
    tasks_failed_share
        Of the tasks that ended in the window.
    clock_s
        How far this machine's clock may move against its own counter, or differ from the database's.
    """

    latency_p50_ms: float = Field(default=500, gt=0)
    latency_p95_ms: float = Field(default=2000, gt=0)
    error_rate: Share = 0.01
    parity_lag_s: float = Field(default=3, gt=0)
    connections_share: Share = 0.8
    tasks_stuck: int = Field(default=0, ge=0)
    tasks_failed_share: Share = 0.1
    clock_s: float = Field(default=2, gt=0)


class WatchedPage(Section):
    """A page that both systems must answer; ``kind`` groups probes in the report."""

    name: Short
    path: str = Field(pattern=r"^/")
    status: int = 200
    contains: str = ""
    kind: Literal["health", "page", "search", "file"] = "page"


class DeclaredMeasure(Section):
    """SQL that returns one number, for example the length of a queue; a number above ``limit`` is red."""

    name: Short
    sql: str
    limit: float
    system: SideOrBoth = "both"


class Invariant(Section):
    """SQL that counts rows that must not exist, with the reason."""

    name: Short
    sql: str
    because: str


class ProgressColumn(Section):
    """A number that must stay in its range and never go back, unless ``restarts`` (SQL) allows it for the row."""

    column: ColumnPath
    lowest: float = 0
    highest: float = 100
    restarts: str = "false"


class WatchedTasks(Section):
    """The table of tasks, and the meaning of the values of ``status``."""

    table: str
    status: str = "status"
    started_at: str = "created_at"
    ended_at: str = "updated_at"
    open: tuple[str, ...] = Field(min_length=1)
    done: tuple[str, ...] = Field(min_length=1)
    failed: tuple[str, ...] = ()
    stuck_after_s: float = Field(default=600, gt=0)


class AccessLog(Section):
    """An access log of a system: ``common`` (also combined, as nginx, Apache and gunicorn write it) or ``json``."""

    path: Path
    format: Literal["common", "json"] = "common"
    fields: dict[Literal["method", "path", "status"], str] = {}


class Watch(Section):
    """What ``handover watch`` measures.

    Attributes
    ----------
    interval_s, window_s
        How often it measures, and how long a window is.
    timeout_s
        How long one answer may take; a slower one is a failure.
    min_requests
        With fewer answers of a system in a window there is no verdict.
    min_rows
        The same for rows that one system wrote and the other read.
    min_tasks
        The same for tasks that a system starts and finishes.
    keep_samples_h
        Samples are deleted after so many hours; the verdicts on windows are kept.
    sample
        How many of the newest changes of each table are read in each interval.
    probes, journeys
        What both systems are asked; ``journeys`` names declared flows, ``["*"]`` all flows.
    journeys_every_s
        The shortest time from the beginning of a flow on a system to its next beginning there.
    writer
        Table → SQL that returns ``'original'`` or ``'backend'`` for a row.
    newest
        Table → the column that dates its changes; otherwise the field that Django stamps.
    files
        Columns with names of files; both systems must find the files of the newest rows.
    """

    interval_s: float = Field(default=5, gt=0)
    window_s: float = Field(default=60, gt=0)
    timeout_s: float = Field(default=5, gt=0)
    min_requests: int = Field(default=10, ge=1)
    min_rows: int = Field(default=1, ge=1)
    min_tasks: int = Field(default=1, ge=0)
    keep_samples_h: float = Field(default=48, gt=0)
    sample: int = Field(default=20, ge=1, le=1000)
    probes: tuple[WatchedPage, ...] = (WatchedPage(name="health", path="/health", kind="health"),)
    journeys: tuple[str, ...] = ()
    journeys_every_s: float = Field(default=30, ge=0)
    limits: WatchLimits = WatchLimits()
    tasks: WatchedTasks | None = None
    progress: tuple[ProgressColumn, ...] = ()
    measures: tuple[DeclaredMeasure, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    writer: dict[str, str] = {}
    newest: dict[str, str] = {}
    files: tuple[ColumnPath, ...] = ()
    logs: dict[Side, AccessLog] = {}


class Shadow(Section):
    """What ``handover shadow`` sends, and what it leaves out of the comparison.

    Attributes
    ----------
    paths
        More requests, each a path with its query.
    log
        An access log whose reads are sent again.
    flows
        Whether the reads of the declared flows are sent, as far as they need no earlier step.
    exclude
        Regular expressions of paths that are not sent, for example of pages that write when they are read.
    headers
        The headers that are compared.
    ignore_json
        Dotted paths of JSON values; ``*`` is any key or index.
    ignore_text
        Regular expressions; what they match in other texts is left out.
    unordered
        Dotted paths of JSON lists whose order does not matter; ``*`` as above.
    limit
        The largest number of different requests.
    timeout_s
        How long one answer may take.
    cookie_env, token_env
        Environment variables with a Cookie header or a bearer token of a reader; the values are never written down.
    """

    paths: tuple[Annotated[str, Field(pattern=r"^/")], ...] = ()
    log: AccessLog | None = None
    flows: bool = True
    exclude: tuple[str, ...] = ()
    headers: tuple[str, ...] = ("content-type", "location", "cache-control", "content-disposition", "allow")
    ignore_json: tuple[str, ...] = ()
    ignore_text: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    limit: int = Field(default=1000, ge=1)
    timeout_s: float = Field(default=10, gt=0)
    cookie_env: str | None = None
    token_env: str | None = None
