"""Dancers with a browser, and operators with a shell in one system."""

import subprocess
import sys
from dataclasses import dataclass

import httpx

from sandbox import house
from sandbox.systems import Systems

PASSWORD = "salsa-no"


@dataclass(frozen=True)
class Browser:
    """Someone with one cookie jar for each system, as on one host name after the other."""

    name: str
    backend: httpx.Client
    original: httpx.Client

    def post(self, client: httpx.Client, path: str, **arguments) -> httpx.Response:
        """Post with the CSRF token that the client's cookie holds."""
        headers = {"X-CSRFToken": client.cookies.get("csrftoken", ""), "Referer": str(client.base_url)}
        return client.post(path, headers=headers, **arguments)

    def until_ended(self, task_id: str) -> dict:
        """Follow a task through the backend until it ends."""
        seen: list[tuple[str, int]] = []
        while True:
            answer = self.backend.get(f"/api/choreography/tasks/{task_id}")
            assert answer.status_code == 200, answer.text
            task = answer.json()
            seen.append((task["stage"], task["progress"]))
            if task["status"] in {"completed", "failed"}:
                return task | {"seen": seen}


def share_cookies(source: httpx.Client, target: httpx.Client) -> None:
    """Do what one host name does: send the cookies of one system to the other."""
    for name in ("sessionid", "csrftoken"):
        target.cookies.set(name, source.cookies[name], domain="127.0.0.1")


def shell(systems: Systems, system: str, code: str) -> str:
    """Run code in one system's own interpreter, as the role it connects as; return what it prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code],
        cwd=house.ROOT / system,
        env=systems.environment(f"{system}_app"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
