"""The switch by steps on the night's stage: a hook of the team with a small front, and a real HAProxy."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from handover.cutover.status import Status
from handover_testing.balanced import declared, haproxy_before, watched
from handover_testing.night import Story
from handover_testing.switch_stage import SwitchStage
from sandbox.haproxy import Haproxy

# What a team's program does: it keeps the share in a file that the front reads at each request.
HOOK = """\
#!/bin/sh
asked=$(cat)
case "$asked" in *'"do": "send"'*)
    echo "$asked" | sed 's/.*"backend_pct": *\\([0-9]*\\).*/\\1/' > {share}.new && mv {share}.new {share} ;;
esac
echo "{{\\"backend_pct\\": $(cat {share})}}"
"""


class Front(ThreadingHTTPServer):
    """A small balancer: a file says how many percent of the requests it answers as the backend."""

    def __init__(self, share: Path) -> None:
        super().__init__(("127.0.0.1", 0), _AsOneSide)
        self.share, self.requests, self.lock = share, 0, threading.Lock()

    def side(self) -> str:
        """Return which side answers the next request: exactly the share of a hundred in a row."""
        with self.lock:
            self.requests += 1
            pct = int(self.share.read_text())
            return "backend" if self.requests * pct // 100 > (self.requests - 1) * pct // 100 else "original"


class _AsOneSide(BaseHTTPRequestHandler):
    server: Front

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("X-Served-By", self.server.side())
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class ByShares(SwitchStage, ABC):
    """A switch by steps; ``share`` is how many percent of people reach the backend."""

    def __init__(self) -> None:
        self.stack = ExitStack()

    @abstractmethod
    def share(self) -> float: ...

    def end(self) -> None:
        self.stack.close()

    def stored(self, story: Story) -> object:  # noqa: ARG002
        return self.share()

    def reached(self, story: Story) -> Sequence[str]:  # noqa: ARG002
        share = self.share()
        return ["original"] if share == 0 else ["backend"] if share == 100 else ["backend", "original"]

    def check(self, story: Story, found: Status) -> None:  # noqa: ARG002
        assert found.agrees is True
        allowed = found.position.record or [("0 % to the backend",)]
        assert (f"{self.share():g} % to the backend",) in allowed


class ByHook(ByShares):
    """The switch by a hook of the team."""

    name = "hook"
    file: Path

    def declare(self, story: Story) -> None:
        folder = story.pair.folder / "hooks"
        folder.mkdir(exist_ok=True)
        self.file = folder / "share"
        self.file.write_text("0\n")
        hook = folder / "move"
        hook.write_text(HOOK.format(share=self.file))
        hook.chmod(0o755)
        front = Front(self.file)
        thread = threading.Thread(target=front.serve_forever, args=[0.01], daemon=True)
        thread.start()
        self.stack.callback(front.server_close)
        self.stack.callback(front.shutdown)
        story.declare(declared("hook", front.server_port, "").replace("samples = 40", "samples = 20"))
        story.declare('[switch.hook]\ncommand = ["move"]\n')
        watched(story)

    def share(self) -> float:
        return float(self.file.read_text())


class ByHaproxy(ByShares):
    """The switch by a real HAProxy."""

    name = "haproxy"
    haproxy: Haproxy

    def declare(self, story: Story) -> None:
        self.haproxy = self.stack.enter_context(haproxy_before(story))
        watched(story)

    def share(self) -> float:
        weights = self.haproxy.weights()
        return 100 * weights["backend"] / sum(weights.values())
