"""nginx on this machine: a file that is ours says each side's share, and a reload makes it true."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from handover.config.switch import ALL_PCT, NginxSettings
from handover.cutover.ways.balancer import Balancer, BalancerError, HeldShare
from handover.cutover.ways.public_file import write_public
from handover.http_client import get
from handover.side import Side

FILE = """\
# Written by handover; nginx.conf includes it inside `http`. Do not change it by hand.
split_clients "{key}" $pair_side {{
{shares}}}
map "" $pair_backend_pct {{ default "{backend_pct}"; }}
"""
OLD_WORKER = b"worker process is shutting down"


def split_file(settings: NginxSettings, backend_pct: int) -> str:
    """Return the file that sends a share of people to the backend.

    Parameters
    ----------
    settings, backend_pct
        The section ``[switch.nginx]``, and how many percent of people reach the backend.
    """
    rest = settings.backend if backend_pct == ALL_PCT else settings.original
    part = f"    {backend_pct}% {settings.backend};\n" if 0 < backend_pct < ALL_PCT else ""
    return FILE.format(key=settings.key, shares=f"{part}    * {rest};\n", backend_pct=backend_pct)


class NginxBalancer(Balancer):
    """The nginx of this machine."""

    @property
    def settings(self) -> NginxSettings:
        """The section ``[switch.nginx]``."""
        assert self.config.switch.nginx is not None  # noqa: S101 - `SwitchSettings` asks for it
        return self.config.switch.nginx

    @property
    def file(self) -> Path:
        """The file that is written."""
        return self.config.root / self.settings.file

    def names(self) -> tuple[str, ...]:
        """See :meth:`Balancer.names`."""
        return (f"nginx with {self.settings.file}",)

    def held(self) -> list[HeldShare]:
        """See :meth:`Balancer.held`: nginx itself is asked; the file may be newer than what it has loaded."""
        (name,) = self.names()
        try:
            answer = get(self.settings.shows, timeout_s=self.config.switch.timeout_s)
            answer.raise_for_status()
            backend_pct = int(answer.text)
        except (httpx.HTTPError, ValueError) as error:
            said = f"{self.settings.shows} does not say how many percent reach the backend: {error}"
            return [HeldShare(name, None, said)]
        said = f"{backend_pct} % to the backend"
        written = self.file.read_text(encoding="utf-8") if self.file.exists() else ""
        if written != split_file(self.settings, backend_pct):
            said += "; the file says something else, and nginx would load it at its next reload"
        return [HeldShare(name, float(backend_pct), said)]

    def send(self, backend_pct: int, at_point: Callable[[str], None]) -> Mapping[str, Any]:
        """See :meth:`Balancer.send`."""
        before = self.file.read_text(encoding="utf-8") if self.file.exists() else None
        try:
            write_public(self.file, split_file(self.settings, backend_pct))
        except OSError as error:
            raise BalancerError(
                f"{self.file} could not be written: {error.strerror}. nginx was not changed."
            ) from error
        at_point("in the middle of the balancers")
        try:
            self._run("would not load it", self.settings.test)
        except BalancerError:
            if before is not None:
                write_public(self.file, before)  # so that a reload by others does not fail
            raise
        self._run("did not load it", self.settings.reload)
        return {"file": str(self.settings.file), "backend_pct": backend_pct}

    def _run(self, what: str, command: tuple[str, ...]) -> None:
        try:
            ended = subprocess.run(
                command,
                cwd=self.config.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=self.config.switch.timeout_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BalancerError(f"`{' '.join(command)}` could not be run: {error}.") from error
        if ended.returncode:
            said = (ended.stderr or ended.stdout).strip()[-1000:]
            raise BalancerError(f"nginx {what}: `{' '.join(command)}` says: {said}")

    def open_at(self, side: Side) -> int | None:
        """See :meth:`Balancer.open_at`: old workers live as long as their connections, to whichever side."""
        del side
        try:
            main = int((self.config.root / self.settings.pid_file).read_text())
        except (OSError, ValueError):
            return None
        return sum(_is_old_worker(process, main) for process in Path("/proc").glob("[0-9]*"))


def _is_old_worker(process: Path, main: int) -> bool:
    try:
        parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        return parent == main and OLD_WORKER in (process / "cmdline").read_bytes()
    except OSError:
        return False  # it has ended meanwhile
