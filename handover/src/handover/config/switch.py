"""The sections of ``handover.toml`` about how people are moved: the way, its steps, the balancer, read-only mode."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from handover.config.section import Section

WayName = Literal["dns", "haproxy", "nginx", "url-map", "hook"]
ALL_PCT = 100
DEFAULT_STEPS = (1, 10, 50, ALL_PCT)
Percent = Annotated[int, Field(ge=1, le=ALL_PCT)]
# Names that go into a command of HAProxy; a space or a semicolon would be another command.
HaproxyName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]+$")]


class ToldBy(Section):
    """How an answer tells which system gave it.

    Attributes
    ----------
    path
        What is asked through the balancer; it needs no login and changes nothing.
    header
        The header that tells; the body when none.
    original, backend
        A text that the header, or the body, holds when that system has answered.
    """

    path: str = Field(default="/health", pattern=r"^/")
    header: str | None = None
    original: str = Field(min_length=1)
    backend: str = Field(min_length=1)

    @model_validator(mode="after")
    def _differ(self) -> "ToldBy":
        if self.original in self.backend or self.backend in self.original:
            raise ValueError("original and backend must be texts of which neither is part of the other")
        return self


class HaproxySettings(Section):
    """HAProxy, by its runtime socket.

    Attributes
    ----------
    sockets
        The socket of each HAProxy, with ``level admin``: a path, or ``address:port``.
    section
        The section ``backend`` of its configuration that holds both systems.
    original, backend
        The names of the two servers in there.
    state_file
        Where the weights are kept for the next start of HAProxy: ``server-state-file-name`` of that section, with
        ``load-server-state-from-file local``. Only for a socket on this machine.
    sticky
        Whether a cookie or a stick table binds people to a server; then a side without people is put into
        maintenance, because weight 0 still serves those who are bound to it.
    rehearsal_section, rehearsal_url
        A second section with the same servers, on which a rollback is rehearsed, and where it answers.
    """

    sockets: tuple[str, ...] = Field(min_length=1)
    section: HaproxyName = "pair"
    original: HaproxyName = "original"
    backend: HaproxyName = "backend"
    state_file: Path | None = None
    sticky: bool = False
    rehearsal_section: HaproxyName | None = None
    rehearsal_url: str | None = Field(default=None, pattern=r"^https?://")


class NginxSettings(Section):
    """nginx on this machine, by a file that is ours, and a reload.

    Attributes
    ----------
    file
        The file that is written; nginx.conf includes it.
    key
        What a person's side is chosen by: a variable of nginx that stays the same for a person.
    original, backend
        What the variable ``$pair_side`` holds: the names of the two ``upstream`` sections.
    shows
        The address at which nginx answers ``$pair_backend_pct``, so that it says itself what it holds.
    test, reload
        The commands that try the configuration, and load it.
    pid_file
        Where the main process says its number; its old workers are those with open connections.
    """

    file: Path
    key: str = Field(default="${remote_addr}", pattern=r'^[^";]+$')
    original: HaproxyName = "original"
    backend: HaproxyName = "backend"
    shows: str = Field(pattern=r"^https?://")
    test: tuple[str, ...] = ("nginx", "-t")
    reload: tuple[str, ...] = ("nginx", "-s", "reload")
    pid_file: Path = Path("/run/nginx.pid")


class UrlMapSettings(Section):
    """A URL map of Google Cloud's application load balancer.

    Attributes
    ----------
    project, region, name
        Where it is; no ``region`` for a global one.
    matcher
        The path matcher whose default route is changed; the map's own default route when none.
    original, backend
        The two backend services, by name.
    token
        The command that prints an access token.
    api
        The address of the interface.
    """

    project: str
    region: str | None = None
    name: str
    matcher: str | None = None
    original: str
    backend: str
    token: tuple[str, ...] = ("gcloud", "auth", "print-access-token")
    api: str = Field(default="https://compute.googleapis.com/compute/v1", pattern=r"^https?://")


class SwitchHook(Section):
    """A program of the team: ``command`` is its argument vector, the program is relative to the hooks' folder."""

    command: tuple[str, ...] = Field(min_length=1)


class SwitchSettings(Section):
    """How people are moved.

    Attributes
    ----------
    way
        ``dns``: all at once by the record in ``[dns]``. The others send a share of people, step by step.
    steps
        How many percent of people reach the backend after each step; the last is 100.
    url
        The address that people use; samples ask it through the balancer.
    told_by
        How an answer tells which system gave it.
    samples
        How many requests are sampled after each step.
    verify_s, timeout_s
        Until the balancer and the samples show a step, and the limit for one answer of the balancer, in seconds.
    windows
        How many green windows of the watch each step needs.
    wait_s
        How long to wait for them, in seconds.
    on_red
        What a red window leads to: ``stop`` and page a person, or ``back``; a red original always stops.
    drain_s
        How long connections that are open at the side that people left are followed, in seconds.
    at_drain_limit
        What happens then to those that are still open.
    """

    way: WayName = "dns"
    steps: tuple[Percent, ...] | None = None
    url: str | None = Field(default=None, pattern=r"^https?://")
    told_by: ToldBy | None = None
    samples: int = Field(default=200, ge=20)
    verify_s: float = Field(default=60.0, gt=0)
    timeout_s: float = Field(default=10.0, gt=0)
    windows: int = Field(default=3, ge=1)
    wait_s: float = Field(default=900.0, gt=0)
    on_red: Literal["stop", "back"] = "stop"
    drain_s: float = Field(default=300.0, ge=0)
    at_drain_limit: Literal["leave", "close"] = "leave"
    haproxy: HaproxySettings | None = None
    nginx: NginxSettings | None = None
    url_map: UrlMapSettings | None = None
    hook: SwitchHook | None = None

    @property
    def all_steps(self) -> tuple[int, ...]:
        """The steps; the strategy's where the file names none."""
        return self.steps or ((ALL_PCT,) if self.way == "dns" else DEFAULT_STEPS)

    @model_validator(mode="after")
    def _whole(self) -> "SwitchSettings":
        steps = self.all_steps
        if steps[-1] != ALL_PCT or any(one >= other for one, other in pairwise(steps)):
            raise ValueError("steps must rise, and the last must be 100")
        if self.way == "dns":
            if steps != (ALL_PCT,):
                raise ValueError("a DNS record moves all people at once: leave steps out, or choose another way")
            return self
        section = self.way.replace("-", "_")
        missing = [name for name in (section, "url", "told_by") if getattr(self, name) is None]
        if missing:
            raise ValueError(f"the way {self.way} needs {', '.join(missing)}")
        return self


class ReadOnly(Section):
    """Read-only mode of the original, from before the first step until people come back; for no double writes.

    Attributes
    ----------
    by
        ``setting``: the database lets the original's role only read. ``hook``: programs of the team.
    role
        Of ``setting``: the role that the original connects as.
    grace_s
        Of ``setting``: how long its sessions may go on with what they are doing, in seconds.
    on, off
        Of ``hook``: argument vectors; the program is relative to the hooks' folder.
    """

    by: Literal["setting", "hook"]
    role: str | None = None
    grace_s: float = Field(default=10.0, ge=0)
    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> "ReadOnly":
        if self.by == "setting" and not self.role:
            raise ValueError("by = 'setting' needs role, the role that the original connects as")
        if self.by == "hook" and not (self.on and self.off):
            raise ValueError("by = 'hook' needs on and off, or the way back would be missing")
        return self
