"""``handover prove`` on this repository's pair: round trips a second between both systems' own ORMs.

A round trip is one committed write by one system and one read of it by the other, one at a time, on a server that
keeps what it has committed.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from handover import config as configuration
from handover.proof.actor import Actor, actors
from handover.proof.mirror import Parents, complete, mirror, together
from handover.proof.venue import Venue
from sandbox import house, template
from sandbox.postgres import Server

TARGETS = {"roundtrips_per_s": "≥ 250"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench prove", description=__doc__)
    parser.add_argument("--roundtrips", type=int, default=2000, help="how many (default %(default)s)")
    arguments = parser.parse_args()
    began = time.perf_counter()
    house.LOCAL.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=house.LOCAL, prefix="bench-") as place:
        Path(place).chmod(0o711)  # the server may run as another user than this process
        report(measured(Path(place), arguments.roundtrips) | {"total_s": round(time.perf_counter() - began, 1)})


def measured(place: Path, roundtrips: int) -> dict[str, float]:
    """Measure on an adopted database of a server that is durable, as all but test servers are."""
    with Server(place / "postgres") as server:
        original = template.ensure(server, "original_template", lambda name: house.build_original(server, name))
        adopted = template.ensure(server, "adopted_template", lambda name: house.build_adopted(server, name, original))
        with template.clone(server, adopted) as database:
            os.environ.update(house.handover_environment(server, database.name))
            os.environ |= {"ORIGINAL_DATABASE_URL": database.url("original_app"), "MEDIA_ROOT": str(place)}
            pair = configuration.load(house.ROOT / "handover.toml")
            venue = Venue(pair, database.url("owner"), throwaway=True, size="full", seed=0, say=say)
            # The figures of the other groups, each measured on this venue, go here.
            return {"roundtrips_per_s": roundtrips_per_s(venue, roundtrips)}


def roundtrips_per_s(venue: Venue, number: int) -> float:
    """Let both systems write and read tasks by turns."""
    with actors(venue) as both:
        parents = Parents(both["original"])
        table = mirror(venue.config.models[0], both, parents)
        rows = [complete(table.fields.values(), {}, parents, together(table.models["original"])) for _ in range(number)]
        sides = [(both["original"], both["backend"]), (both["backend"], both["original"])]
        began = time.perf_counter()
        for turn, row in enumerate(rows):
            maker, other = sides[turn % 2]
            one_trip(maker, other, table.models[maker.side].label, table.models[other.side].label, row)
        seconds = time.perf_counter() - began
        parents.remove()
    return round(number / seconds, 1)


def one_trip(maker: Actor, other: Actor, makes: str, reads: str, row: dict) -> None:
    """One committed write by one, one read by the other."""
    key = maker.probe.ask("create", model=makes, values=row)
    read = other.probe.ask("get", model=reads, where={"pk": key})
    if read["user_id"] != row["user_id"]:
        raise RuntimeError(f"{other.side} read {read}, {maker.side} wrote {row}")


def say(line: str) -> None:
    print(line, file=sys.stderr)


def report(figures: dict[str, float]) -> None:
    """Print a table for people and one JSON object."""
    table = Table(title="handover prove", title_justify="left")
    for heading in ("", "figure", "to reach"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, figure in figures.items():
        table.add_row(name, str(figure), TARGETS.get(name, ""))
    Console(stderr=True).print(table)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
