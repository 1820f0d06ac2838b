"""The files of a rehearsal: the pair's handover.toml with its changes, octoDNS's file, and the hooks."""

import json
import os
import pwd
import shutil
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from sandbox.dns.authority import Authority
from sandbox.systems import ADDRESSES

ZONE, RECORD, REHEARSAL_RECORD = "compas.test", "www", "rehearsal"
HOST = f"{RECORD}.{ZONE}"
# What the team calls itself; the account of the operating system decides and signs.
OPERATOR = "night-shift"
SECRET = "HANDOVER_TSIG_SECRET"  # noqa: S105 - the variable's name
WARM_UP_REQUESTS = 20
# People use the name. The toolkit's own requests use the address and are no traffic.
TRAFFIC_HOOK = """\
#!{python}
import json, pathlib, sys
system = json.load(sys.stdin)["system"]
log = pathlib.Path({logs!r}, f"{{system}}.access.log")
print(sum(line.rstrip().rpartition(" ")[2].startswith({host!r}) for line in log.open(errors="replace")))
"""
NOTE_HOOK = """\
#!{python}
import json, sys
facts = json.load(sys.stdin)
open({told!r}, "a").write(json.dumps(facts) + "\\n")
print("told:", facts["point"])
"""


@dataclass(frozen=True)
class Rehearsed:
    """What is rehearsed.

    Attributes
    ----------
    file
        The ``handover.toml`` of the pair as it is.
    urls
        Where each system answers tonight.
    logs
        The folder of the systems' access logs.
    """

    file: Path
    urls: Mapping[str, str]
    logs: Path


def write(
    folder: Path, pair: Rehearsed, authority: Authority, *, ttl_s: int, quiet_s: float, more: Mapping[str, Any]
) -> Path:
    """Write everything into ``folder``; return the path of its handover.toml. ``more`` adds or replaces sections."""
    hooks = folder / "hooks"
    hooks.mkdir()
    _hook(hooks / "traffic", TRAFFIC_HOOK.format(python=sys.executable, logs=str(pair.logs), host=HOST))
    _hook(hooks / "note", NOTE_HOOK.format(python=sys.executable, told=str(folder / "told.jsonl")))
    (folder / "octodns.yaml").write_text(_octodns(authority))
    values = tomllib.loads(pair.file.read_text())
    _copy(values.get("contract", "handover/contract.json"), pair.file.parent, folder)
    for side, url in pair.urls.items():
        values[side] |= {"base_url": url, "insecure_http": True, **_place(pair.file.parent, values[side])}
    if "pg_bin" in values.get("prove", {}):
        values["prove"]["pg_bin"] = str(pair.file.parent / values["prove"]["pg_bin"])
    me = pwd.getpwuid(os.getuid()).pw_name
    values["rollback"] = values.get("rollback", {}) | {"allowed": [me], "warm_up": {"requests": WARM_UP_REQUESTS}}
    verify = values.get("verify", {}) | dict(more.get("verify", {}))
    values |= _sections(authority, ttl_s=ttl_s, quiet_s=quiet_s) | dict(more) | {"verify": verify}
    path = folder / "handover.toml"
    path.write_text("# Written for one rehearsal from the pair's own handover.toml.\n" + tomli_w.dumps(values))
    return path


def _place(root: Path, system: Mapping[str, Any]) -> dict[str, Any]:
    """Return a system's folder and interpreter, as they are called from anywhere."""
    program, *arguments = system.get("python", [sys.executable])
    found = program if "/" not in program else os.path.normpath(root / program)
    return {"path": str(root / system["path"]), "python": [found, *arguments]}


def _copy(name: str, root: Path, folder: Path) -> None:
    if (root / name).exists():
        (folder / name).parent.mkdir(parents=True)
        shutil.copyfile(root / name, folder / name)


def _sections(authority: Authority, *, ttl_s: int, quiet_s: float) -> dict[str, Any]:
    note = ["note"]
    return {
        "dns": {
            "zone": ZONE,
            "record": RECORD,
            "ttl_s": ttl_s,
            "original": [ADDRESSES["original"]],
            "backend": [ADDRESSES["backend"]],
            "octodns_config": "octodns.yaml",
            "authoritative": [f"{authority.host}:{authority.port}"],
            "rehearsal_record": REHEARSAL_RECORD,
            "timeout_s": 10,
            "verify_s": 10,
        },
        "traffic": {"original": "hook", "backend": "hook", "quiet_s": quiet_s, "limit_s": 4 * ttl_s + 60},
        "hooks": {"folder": "hooks", "at": {"traffic": ["traffic"], "notify": note, "page": note}},
    }


def _octodns(authority: Authority) -> str:
    values = {**authority.octodns(), "class": "octodns_bind.Rfc2136Provider", "key_secret": f"env/{SECRET}"}
    provider = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in values.items())
    return f"providers:\n  ours:\n{provider}zones:\n  {ZONE}.:\n    sources: []\n    targets: [ours]\n"


def _hook(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
