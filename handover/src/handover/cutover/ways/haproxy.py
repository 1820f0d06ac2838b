"""HAProxy: the weights of two servers of one section, by the runtime socket, and its state file."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handover.config.switch import ALL_PCT, HaproxySettings
from handover.cutover.ways.balancer import Balancer, BalancerError, HeldShare
from handover.cutover.ways.public_file import write_public
from handover.side import Side

READ_BYTES = 65536
# The bits of `srv_admin_state`: in maintenance for one of four reasons, or draining for one of two.
MAINTENANCE, DRAINING = 0x01 | 0x02 | 0x04 | 0x20 | 0x40, 0x08 | 0x10
STOPPED = 0


@dataclass(frozen=True)
class HaproxyServer:
    """One server of the section, as ``show servers state`` tells."""

    name: str
    address: str
    weight: int
    admin: int
    running: bool

    @property
    def counts(self) -> int:
        """The weight that it has for people who are new: none in maintenance, and none while it drains."""
        return 0 if self.admin & (MAINTENANCE | DRAINING) else self.weight

    def __str__(self) -> str:
        state = "maintenance" if self.admin & MAINTENANCE else "drain" if self.admin & DRAINING else ""
        return f"{self.name} {self.weight}{f' ({state})' if state else '' if self.running else ' (DOWN)'}"


class HaproxyBalancer(Balancer):
    """Every HAProxy that ``[switch.haproxy]`` names."""

    @property
    def settings(self) -> HaproxySettings:
        """The section ``[switch.haproxy]``."""
        assert self.config.switch.haproxy is not None  # noqa: S101 - `SwitchSettings` asks for it
        return self.config.switch.haproxy

    @property
    def section(self) -> str:
        """The section of HAProxy's configuration that is changed."""
        return (self.rehearsal and self.settings.rehearsal_section) or self.settings.section

    @property
    def url(self) -> str:
        """See :attr:`Balancer.url`."""
        return (self.rehearsal and self.settings.rehearsal_url) or super().url

    def names(self) -> tuple[str, ...]:
        """See :meth:`Balancer.names`."""
        return tuple(f"{self.section} of haproxy at {one}" for one in self.settings.sockets)

    def rehearsed(self) -> "HaproxyBalancer | None":
        """See :meth:`Balancer.rehearsed`."""
        there = self.settings.rehearsal_section and self.settings.rehearsal_url
        return HaproxyBalancer(self.config, rehearsal=True) if there else None

    def warnings(self) -> tuple[str, ...]:
        """See :meth:`Balancer.warnings`."""
        if self.settings.state_file is None:
            return ("[switch.haproxy] has no state_file: a reload of HAProxy would bring its configured weights back",)
        return ()

    def held(self) -> list[HeldShare]:
        """See :meth:`Balancer.held`."""
        return [self._held(name, at) for name, at in zip(self.names(), self.settings.sockets, strict=True)]

    def _held(self, name: str, at: str) -> HeldShare:
        try:
            servers = self._servers(at)
        except BalancerError as error:
            return HeldShare(name, None, f"it does not answer: {error}")
        sides = {side: servers[side.of(self.settings)] for side in Side}
        others = [one for one in servers.values() if one not in sides.values() and one.counts]
        said = f"weights {', '.join(map(str, servers.values()))}"
        rest = "; ".join(f"{one.name} {one.address}" for one in servers.values())
        unwell = tuple(side for side, one in sides.items() if not one.running and not one.admin & MAINTENANCE)
        total = sum(one.counts for one in sides.values())
        if others or not total:
            why = f"{others[0].name} gets people too" if others else "no server gets people"
            return HeldShare(name, None, f"{said}; {why}", rest, unwell)
        return HeldShare(name, ALL_PCT * sides[Side.BACKEND].counts / total, said, rest, unwell)

    def _servers(self, at: str) -> dict[str, HaproxyServer]:
        lines = self._ask(at, f"show servers state {self.section}").splitlines()
        header = next((line.removeprefix("# ").split() for line in lines if line.startswith("# ")), [])
        rows = [dict(zip(header, line.split(), strict=False)) for line in lines if len(line.split()) > 1]
        try:
            found = {row["srv_name"]: _server(row) for row in rows if row.get("be_name") == self.section}
        except (KeyError, ValueError) as error:
            raise BalancerError(f"haproxy at {at} tells its servers in a form that is not known: {error}") from error
        missing = [name for name in (self.settings.original, self.settings.backend) if name not in found]
        if missing:
            message = f"haproxy at {at}: the section {self.section} has no server {', '.join(missing)}"
            raise BalancerError(f"{message}; it has {', '.join(found) or 'none'}. Correct [switch.haproxy].")
        return found

    def send(self, backend_pct: int, at_point: Callable[[str], None]) -> Mapping[str, Any]:
        """See :meth:`Balancer.send`."""
        commands, troubles = self._commands(backend_pct), []
        for at in self.settings.sockets:
            try:
                said = self._ask(at, "; ".join(commands)).strip()
                troubles += [f"haproxy at {at} says: {said}"] if said else []
            except BalancerError as error:
                troubles.append(str(error))
            at_point("in the middle of the balancers")
        if troubles:
            raise BalancerError("; ".join(troubles))
        return {"commands": commands, "state_file": self._keep()}

    def _commands(self, backend_pct: int) -> list[str]:
        """Return the commands; the side that gets more people comes first, so that there is always one."""
        weights = {Side.BACKEND: backend_pct, Side.ORIGINAL: ALL_PCT - backend_pct}
        gaining = Side.BACKEND if backend_pct else Side.ORIGINAL
        commands = []
        for side in (gaining, gaining.other):
            server = f"{self.section}/{side.of(self.settings)}"
            # Someone may have put it into maintenance; who gets people must be ready for them.
            commands += [f"set server {server} state ready"] if weights[side] else []
            commands.append(f"set server {server} weight {weights[side]}")
            # Weight 0 and `drain` still serve people whose cookie names the server; maintenance does not.
            commands += [f"set server {server} state maint"] if self.settings.sticky and not weights[side] else []
        return commands

    def _keep(self) -> str:
        """Write the state file, which HAProxy reads at its next start; return its name, or that there is none."""
        path = self.settings.state_file
        if path is None or self.rehearsal:
            return "none"
        text = self._ask(self.settings.sockets[0], f"show servers state {self.section}")
        try:
            write_public(self.config.root / path, text.strip() + "\n")
        except OSError as error:
            message = f"the weights are set, and {path} was not written: {error.strerror}."
            raise BalancerError(f"{message} A reload of HAProxy would bring its configured weights back.") from error
        return str(path)

    def open_at(self, side: Side) -> int | None:
        """See :meth:`Balancer.open_at`: sessions that a server has, and those that wait for it."""
        return sum(self._open(at, side.of(self.settings)) for at in self.settings.sockets)

    def _open(self, at: str, server: str) -> int:
        lines = self._ask(at, "show stat").removeprefix("# ").splitlines()
        header = lines[0].split(",") if lines else []
        for line in lines[1:]:
            row = dict(zip(header, line.split(","), strict=False))
            if (row.get("pxname"), row.get("svname")) == (self.section, server):
                return int(row["scur"]) + int(row["qcur"] or 0)
        raise BalancerError(f"haproxy at {at} does not count the sessions of {self.section}/{server}")

    def close_at(self, side: Side) -> None:
        """See :meth:`Balancer.close_at`."""
        for at in self.settings.sockets:
            self._ask(at, f"shutdown sessions server {self.section}/{side.of(self.settings)}")

    def _ask(self, at: str, command: str) -> str:
        """Send commands over a connection of its own; return what HAProxy answers."""
        host, _, port = at.rpartition(":")
        try:
            with socket.socket(
                socket.AF_UNIX if at.startswith(("/", "@")) or not port.isdigit() else socket.AF_INET
            ) as s:
                s.settimeout(self.config.switch.timeout_s)
                s.connect(str(self.config.root / at) if s.family == socket.AF_UNIX else (host, int(port)))
                s.sendall(f"{command}\n".encode())
                parts = iter(lambda: s.recv(READ_BYTES), b"")
                return b"".join(parts).decode(errors="replace")
        except OSError as error:
            message = f"haproxy at {at} does not answer: {error.strerror or error}."
            raise BalancerError(f"{message} Is its `stats socket` there, with `level admin`?") from error


def _server(row: Mapping[str, str]) -> HaproxyServer:
    return HaproxyServer(
        row["srv_name"],
        f"{row['srv_addr']}:{row.get('srv_port', '')}",
        int(row["srv_uweight"]),
        int(row["srv_admin_state"]),
        int(row["srv_op_state"]) != STOPPED,
    )
