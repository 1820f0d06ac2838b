"""Compute docs/explanation/scale.md: what numbers of users need and cost, from the measured cost of one of each."""

import argparse
import math
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "scale.md"
INPUTS = PAGE.with_suffix(".toml")
WORDS = Path(__file__).with_suffix(".md")
USERS = (10, 1_000, 100_000, 1_000_000, 10_000_000)
DAY_S = 24 * 60 * 60
HOURS_A_MONTH = 730
DAYS_A_YEAR = 365
SEED = 20
GIB_A_CORE = 3.75
# What no machine and no setting mends begins so, in the table of what breaks.
BUILT = ("cores of the database", "the database's disk", "half of each second")
# Two ways to make the videos; the cheaper counts.
EXECUTIONS, WORKERS = "videos, by executions of a job", "videos, by workers that always run"
# The smallest machine of Cloud SQL that Google supports for production has two.
FEWEST_DATABASE_CORES = 2


@dataclass(frozen=True)
class Needs:
    """What a number of users a day needs."""

    users: int
    choreographies: float
    peak_a_minute: float
    workers: int
    wait_p95_s: float
    wait_worst_s: float
    peak_requests_s: float
    web_cores: float
    servers: int
    database_cores: float
    connections: int
    takes_s: float
    rows_gb_year: float
    bucket_tb_year: float
    egress_gb_day: float


# The lines of the table of needs.
SHOWN: list[tuple[str, Callable[[Needs], float]]] = [
    ("choreographies a day", lambda need: need.choreographies),
    ("choreographies in the busiest minute", lambda need: need.peak_a_minute),
    ("**cores that make videos**", lambda need: need.workers),
    ("95 of 100 wait at most, s", lambda need: need.wait_p95_s),
    ("the worst waits, s", lambda need: need.wait_worst_s),
    ("requests a second, busiest hour", lambda need: need.peak_requests_s),
    ("**servers**, a core and 32 threads each", lambda need: need.servers),
    ("**cores of the database**", lambda need: need.database_cores),
    ("connections to the database", lambda need: need.connections),
    ("jobs taken a second, busiest hour", lambda need: need.takes_s),
    ("rows, GB after a year", lambda need: need.rows_gb_year),
    ("videos, TB after a year", lambda need: need.bucket_tb_year),
    ("videos watched, GB a day", lambda need: need.egress_gb_day),
]


def main() -> int:
    """Write the page, show it, or compare it; return the exit status."""
    parser = argparse.ArgumentParser(prog="script/scale", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--print", action="store_true", help="only show it")
    parser.add_argument("--inputs", type=Path, default=INPUTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    wanted = page(tomllib.loads(arguments.inputs.read_text()))
    if arguments.print:
        sys.stdout.write(wanted)
    elif arguments.check and arguments.page.read_text() != wanted:
        sys.stderr.write(f"{arguments.page} shows other numbers than {arguments.inputs} gives. Run: script/scale\n")
        return 1
    elif not arguments.check:
        arguments.page.write_text(wanted)
    return 0


def day(users: int, inputs: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return a day, second by second: how many choreographies are asked for, and how many core seconds they take."""
    measured, assumed = inputs["measured"], inputs["assumed"]
    hours = np.array(assumed["hours"], dtype=float)
    each_s = np.repeat(users * assumed["choreographies"] * hours / hours.sum() / 3600, 3600)
    chance = np.random.default_rng(SEED)
    new, known = chance.poisson(each_s * assumed["new_share"]), chance.poisson(each_s * (1 - assumed["new_share"]))
    return new + known, new * measured["new_cpu_s"] + known * measured["known_cpu_s"]


def waits(asked: np.ndarray, work_s: np.ndarray, cores: int) -> tuple[float, float]:
    """Return how long 95 of 100 choreographies wait at most, and the worst of them, with so many cores at work.

    Lindley's recursion of the backlog: what was asked for and not yet done, which cannot fall below nothing.
    """
    total = np.cumsum(work_s - cores)
    backlog_s = total - np.minimum(np.minimum.accumulate(total), 0)
    # Who comes waits for what was there before.
    waits_s = np.concatenate([[0], backlog_s[:-1]]) / cores
    order = np.argsort(waits_s, kind="stable")
    reached = np.searchsorted(np.cumsum(asked[order]), 0.95 * asked.sum())
    came = waits_s[asked > 0]
    return float(waits_s[order][min(reached, DAY_S - 1)]), float(came.max()) if came.size else 0.0


def fewest(enough: Callable[[int], bool]) -> int:
    """Return the smallest number from 1 on that is enough."""
    most = 1
    while not enough(most):
        most *= 2
    least = most // 2 + 1
    while least < most:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle + 1, most)
    return most


def needs(users: int, inputs: dict[str, Any]) -> Needs:
    """Return what so many users a day need."""
    measured, assumed, aims = inputs["measured"], inputs["assumed"], inputs["aims"]
    limits = inputs["limits"]
    asked, work_s = day(users, inputs)
    workers = fewest(lambda cores: waits(asked, work_s, cores)[0] <= aims["wait_p95_s"])
    p95_s, worst_s = waits(asked, work_s, workers)
    busiest = max(assumed["hours"]) / sum(assumed["hours"]) / 3600
    requests_s = users * assumed["requests"] * busiest
    web_cores = requests_s * measured["request_web_ms"] / 1000 / aims["busy_share"]
    # One process of the server uses one core.
    servers = max(1, math.ceil(web_cores))
    made = users * assumed["choreographies"]
    return Needs(
        users=users,
        choreographies=made,
        peak_a_minute=float(asked.reshape(-1, 60).sum(axis=1).max()),
        workers=workers,
        wait_p95_s=p95_s,
        wait_worst_s=worst_s,
        peak_requests_s=requests_s,
        web_cores=web_cores,
        servers=servers,
        database_cores=requests_s * measured["request_database_ms"] / 1000 / aims["busy_share"],
        connections=servers * limits["connections_of_server"] + workers * limits["connections_of_worker"],
        takes_s=made * busiest,
        rows_gb_year=made * DAYS_A_YEAR * measured["row_bytes"] / 1e9,
        bucket_tb_year=made * DAYS_A_YEAR * measured["video_mb"] / 1e6,
        egress_gb_day=users * assumed["views"] * measured["video_mb"] / 1000,
    )


def month(need: Needs, inputs: dict[str, Any]) -> dict[str, float]:
    """Return what each part costs in the twelfth month, when a year's rows and videos are kept."""
    measured, prices = inputs["measured"], inputs["prices"]
    days = DAYS_A_YEAR / 12
    # A core with 1 GiB that always runs: a server, a worker, or half of what sweeps.
    core_and_gib_s = prices["core_s"] + prices["gib_s"]
    always = HOURS_A_MONTH * 3600 * core_and_gib_s
    # An execution has two cores and 2 GiB, and hears its song anew: it shares no folder with the others.
    execution_s = max(prices["execution_at_least_s"], measured["new_cpu_s"] / 2)
    cores = max(FEWEST_DATABASE_CORES, math.ceil(need.database_cores))
    database_h = 2 * cores * (prices["database_core_h"] + GIB_A_CORE * prices["database_gib_h"])
    return {
        "servers": need.servers * always,
        EXECUTIONS: need.choreographies * days * 2 * execution_s * core_and_gib_s + always,
        WORKERS: need.workers * always,
        "database": HOURS_A_MONTH * database_h + 2 * max(10, need.rows_gb_year) * prices["database_gb_month"],
        "bucket": need.bucket_tb_year * 1000 * prices["bucket_gb_month"],
        "traffic": need.egress_gb_day * days * prices["egress_gb"],
        "balancer": HOURS_A_MONTH * prices["balancer_h"],
    }


def breaks(inputs: dict[str, Any]) -> list[tuple[float, str, str]]:
    """Return at how many users a day each part meets its limit, what that is, and what helps; the first comes first."""
    limits = inputs["limits"]
    by_users = needs(USERS[-2], inputs)
    of = by_users.users
    # Connections grow with servers and workers, which are whole numbers: taken at a size where that does not matter.
    found = [
        (
            of / by_users.workers * 2,
            "two cores that make videos: one machine",
            "more workers, and `PARALLEL_RUNNING_LIMIT` with them; or `JOBS=cloud-run`",
        ),
        (of / by_users.web_cores, "one process of the web server", "more servers behind the balancer"),
        (
            of * limits["connections"] / by_users.connections,
            f"{limits['connections']} connections of the database",
            "a pooler in transaction mode before it, and a larger `max_connections`",
        ),
        (
            of * limits["database_cores"] / by_users.database_cores,
            f"cores of the database: {limits['database_cores']}",
            "replicas for what only reads, then users spread over several databases",
        ),
        (
            of * limits["database_tb"] * 1000 / by_users.rows_gb_year,
            f"the database's disk of {limits['database_tb']} TB, after a year",
            "old tasks moved out of the table",
        ),
        (
            of * 1000 / inputs["measured"]["take_ms"] * 0.5 / by_users.takes_s,
            "half of each second: one worker at a time takes a job",
            "several queues, each with a part of the users",
        ),
    ]
    return sorted(found)


def figure(value: float) -> str:
    """Return a number as people read it: two digits that count, none behind the point above ten."""
    if value == 0 or (isinstance(value, int) and value < 100):  # noqa: PLR2004 - as it is
        return str(round(value))
    digits = 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    return f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:.{max(0, min(digits, 4))}f}"  # noqa: PLR2004 - see above


def rows(lines: list[tuple[str, list[str]]], head: list[str]) -> Iterator[str]:
    """Yield a table of Markdown."""
    yield "| " + " | ".join(["", *head]) + " |"
    yield "|--" + "|--:" * len(head) + "|"
    for name, cells in lines:
        yield "| " + " | ".join([name, *cells]) + " |"


def page(inputs: dict[str, Any]) -> str:
    """Return the page."""
    every = [needs(users, inputs) for users in USERS]
    head = [f"{users:,} a day" for users in USERS]
    assumed, aims, prices = inputs["assumed"], inputs["aims"], inputs["prices"]
    first = breaks(inputs)
    shown = {
        "breaks": "\n".join(
            [
                "| at users a day | what is used up | what helps |",
                "|--:|--|--|",
                *(f"| {figure(users)} | {what} | {helps} |" for users, what, helps in first),
            ]
        ),
        "rebuilt": figure(min(users for users, what, _ in first if what.startswith(BUILT))),
        "needs": "\n".join(rows([(name, [figure(of(need)) for need in every]) for name, of in SHOWN], head)),
        "costs": "\n".join(rows(list(costs(every, inputs)), head)),
        "execution_at_least_s": f"{prices['execution_at_least_s']:g}",
        **{name: f"{value:,g}" for name, value in inputs["measured"].items()},
        **{name: f"{assumed[name]:g}" for name in ("choreographies", "requests", "views")},
        "new_share": f"{assumed['new_share']:.0%}",
        "busiest": f"{max(assumed['hours']) / sum(assumed['hours']):.0%}",
        "wait_p95_s": f"{aims['wait_p95_s']:g}",
        "busy_share": f"{aims['busy_share']:.0%}",
    }
    return Template(WORDS.read_text()).substitute(shown)


def costs(every: list[Needs], inputs: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield a line for each part, for all together, and for one user."""
    months = [month(need, inputs) for need in every]
    for part in months[0]:
        yield part, [figure(one[part]) for one in months]
    sums = [sum(one.values()) - max(one[EXECUTIONS], one[WORKERS]) for one in months]
    yield "**together**, with the cheaper way", [figure(value) for value in sums]
    yield "for each user a day", [figure(value / need.users) for value, need in zip(sums, every, strict=True)]


if __name__ == "__main__":
    sys.exit(main())
