"""Writes the list of parts as CycloneDX: uv exports the lock, the page of licences adds the rest."""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from licences import PAGE, LicenceEntry, read_page
from lock import ROOT, read_lock, shipped

OURS = "MIT"
EXPORT = ("export", "--offline", "--quiet", "--locked", "--preview-features", "sbom-export", "--format", "cyclonedx1.5")
EVERYTHING = ("--all-packages", "--all-groups", "--all-extras")


class NoExportError(Exception):
    """uv could not export the lock."""


def main() -> int:
    """Print the list; return the exit status."""
    parser = argparse.ArgumentParser(description="Write the list of parts as CycloneDX 1.5.")
    parser.add_argument("--everything", action="store_true", help="also what only development uses")
    try:
        sys.stdout.write(rendered(exported(), everything=parser.parse_args().everything))
    except NoExportError as error:
        sys.stderr.write(f"sbom: {error}\n")
        return 1
    return 0


def exported() -> dict[str, Any]:
    """Return what uv exports."""
    own = ROOT / ".local" / "uv" / "bin" / "uv"
    done = subprocess.run(
        [str(own) if own.exists() else "uv", *EXPORT, *EVERYTHING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"uv could not export the lock: {done.stderr.strip()}"
        raise NoExportError(
            f"{message}\nIt needs uv 0.9.11 or newer; script/bootstrap fetches one where none is installed."
        )
    listed: dict[str, Any] = json.loads(done.stdout)
    return listed


def rendered(listed: dict[str, Any], *, everything: bool) -> str:
    """Return the list of parts, the same bytes for the same lock and page.

    Parameters
    ----------
    listed
        What uv exported.
    everything
        Whether packages that only development uses stay.
    """
    users, page = shipped(read_lock()), read_page(PAGE.read_text())
    parts = [part for part in listed["components"] if everything or part["name"] in users]
    kept = {part["bom-ref"] for part in parts}
    for part in parts:
        _describe(part, page.get(part["name"]), part["name"] in users)
    needs = [one for one in listed["dependencies"] if one["ref"] in kept]
    for one in needs:
        one["dependsOn"] = [ref for ref in one.get("dependsOn", []) if ref in kept]
    listed["metadata"].pop("timestamp", None)
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        listed["metadata"]["timestamp"] = datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    root = {**listed["metadata"]["component"], "version": own_version(), "licenses": [{"expression": OURS}]}
    needs.append({"ref": root["bom-ref"], "dependsOn": sorted(kept)})
    listed["metadata"]["component"] = root
    listed |= {"components": parts, "dependencies": needs}
    listed.pop("serialNumber", None)
    digest = hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()
    listed["serialNumber"] = f"urn:uuid:{uuid5(NAMESPACE_URL, digest)}"
    return json.dumps(listed, indent=1, sort_keys=True) + "\n"


def own_version() -> str:
    """Return the version of the whole, which its packages have as well; uv does not export it."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def _describe(part: dict[str, Any], entry: LicenceEntry | None, is_shipped: bool) -> None:  # noqa: FBT001 - a fact
    part["licenses"] = [{"expression": entry.licence if entry else OURS}]
    part["scope"] = "required" if is_shipped else "excluded"
    libraries: Mapping[str, str] = entry.libraries if entry else {}
    if libraries:
        part["components"] = [
            {
                "type": "library",
                "bom-ref": f"{part['bom-ref']}/{name}",
                "name": name,
                "licenses": [{"expression": licence}],
            }
            for name, licence in libraries.items()
        ]


if __name__ == "__main__":
    sys.exit(main())
