"""How long a check takes: of this pair, of two systems with 500 tables, and the census of ten million rows."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from sandbox import house, template
from sandbox.fixtures import server_for_this_run
from sandbox.postgres import Server

TARGETS = {"this_pair_s": "≤ 2", "tables_500_s": "≤ 8", "rows_10m_census_s": "≤ the budget and a little"}
SETTINGS = """
import os
SECRET_KEY = "the same for both"
USE_TZ = True
INSTALLED_APPS = ["big"]
MEDIA_ROOT = "/tmp"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql",
    **{name: os.environ["DB_" + name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}}}
"""
MODEL = """
class Thing{0}(models.Model):
    name = models.CharField(max_length=80, db_index=True)
    status = models.CharField(max_length=8, choices=[("new", "New"), ("done", "Done")], default="new")
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    weight = models.FloatField(null=True)
    facts = models.JSONField(null=True)
    made_at = models.DateTimeField(auto_now_add=True)
    before = models.ForeignKey({1}, models.CASCADE, null=True, related_name="next_{0}")

    class Meta:
        db_table = "things_{0}"
"""
ROWS = """
INSERT INTO things_0 (name, status, amount, weight, facts, made_at)
SELECT 'thing ' || n, 'new', n %% 1000, n, CASE WHEN n %% 10 = 0 THEN '{"a": 1}'::jsonb END, now()
  FROM generate_series(1, %s) n
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench check", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="measured runs of this pair (default %(default)s)")
    parser.add_argument("--tables", type=int, default=500, help="default %(default)s")
    parser.add_argument("--rows", type=int, default=10_000_000, help="default %(default)s")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds for the census (default %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, server_for_this_run() as server:
        own = [of_this_pair(server, Path(place)) for _ in range(arguments.runs + 1)][1:]
        tables = of_many_tables(server, Path(place, "many"), arguments.tables)
        rows, sampled = of_many_rows(server, Path(place, "rows"), arguments.rows, arguments.budget)
    figures = {
        "this_pair_s": round(statistics.median(own), 2),
        "tables_500_s": round(tables, 2),
        "rows_10m_census_s": round(rows, 2),
        "census_budget_s": arguments.budget,
        "census_sampled": sampled,
    }
    shown = Table(title="handover check, the whole command", title_justify="left")
    for heading in ("", "seconds", "to reach"):
        shown.add_column(heading, justify="right")
    for name, target in TARGETS.items():
        shown.add_row(name, str(figures[name]), target)
    Console(stderr=True).print(shown)
    print(json.dumps(figures))


def of_this_pair(server: Server, place: Path) -> float:
    """Check this repository's pair once on an adopted database, in a cold process."""
    original = template.ensure(server, "original_template", lambda name: house.build_original(server, name))
    adopted = template.ensure(server, "adopted_template", lambda name: house.build_adopted(server, name, original))
    with template.clone(server, adopted) as database:
        environment = house.handover_environment(server, database.name)
        environment |= {"ORIGINAL_DATABASE_URL": database.url("original_app"), "MEDIA_ROOT": str(place)}
        return timed(house.ROOT / "handover.toml", environment)[0]


def of_many_tables(server: Server, folder: Path, number: int) -> float:
    """Check two systems with many tables, all shared."""
    with_database(server, folder, number)
    environment = {"HANDOVER_DATABASE_URL": server.url("owner", "many_tables")}
    seconds, answer = timed(folder / "handover.toml", environment, "--census-seconds", "2")
    if len(answer["compared"]) != number or answer["findings"]:
        raise RuntimeError(f"{len(answer['compared'])} tables compared, findings {answer['findings'][:3]}")
    return seconds


def of_many_rows(server: Server, folder: Path, number: int, budget: float) -> tuple[float, bool]:
    """Take the census of one table with many rows; return the seconds, and whether it sampled."""
    with_database(server, folder, 1, name="many_rows")
    url = server.url("owner", "many_rows")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ROWS, [number])
        connection.execute("VACUUM ANALYZE things_0")
    environment = {"HANDOVER_DATABASE_URL": url}
    seconds, answer = timed(folder / "handover.toml", environment, "--census-seconds", str(budget))
    (compared,) = answer["compared"]
    if not compared["rows"]:
        raise RuntimeError(f"nothing was compared: {answer}")
    return seconds, compared["sampled"]


def timed(config: Path, environment: dict[str, str], *arguments: str) -> tuple[float, dict]:
    """Run the command and return its seconds and its answer."""
    began = time.perf_counter()
    command = [str(house.PROGRAMS / "handover"), "check", "--json", "--config", str(config), *arguments]
    done = subprocess.run(command, env=os.environ | environment, stdout=subprocess.PIPE, check=False)
    seconds = time.perf_counter() - began
    return seconds, json.loads(done.stdout)


def with_database(server: Server, folder: Path, number: int, *, name: str = "many_tables") -> None:
    """Write two equal systems with so many tables, and make their database by their own migrations."""
    server.create_database(name)
    url = psycopg.conninfo.conninfo_to_dict(server.url("owner", name))
    where = {"NAME": name, "HOST": url["host"], "PORT": url["port"], "USER": "owner", "PASSWORD": url["password"]}
    environment = {f"DB_{key}": str(value) for key, value in where.items()}
    models = "".join(MODEL.format(n, f'"Thing{n - 1}"' if n else '"self"') for n in range(number))
    sections = []
    for side in ("original", "backend"):
        package = folder / side / "big"
        (package / "migrations").mkdir(parents=True)
        for file in (package / "__init__.py", package / "migrations" / "__init__.py"):
            file.touch()
        (package / "models.py").write_text(f"from django.db import models\n{models}")
        (folder / side / "settings.py").write_text(SETTINGS)
        given = ", ".join(f'{key} = "{value}"' for key, value in environment.items())
        lines = [f"[{side}]", f'path = "{side}"', f'python = ["{sys.executable}"]', 'settings = "settings"']
        sections += [*lines, f"environment = {{ {given} }}"]
    django = [sys.executable, "-m", "django"]
    for side, commands in (("original", ("makemigrations", "migrate")), ("backend", ("makemigrations",))):
        for command in commands:
            argv = [*django, command, "--settings", "settings", "--pythonpath", ".", "--verbosity", "0"]
            argv += ["big"] if command == "makemigrations" else []
            subprocess.run(argv, cwd=folder / side, env=os.environ | environment, check=True, stdout=sys.stderr)
    (folder / "handover.toml").write_text(
        "\n".join([*sections, 'schema = "public"', "", "[[models]]", 'original = "big.models.Thing0"',
                   'backend = "big.models.Thing0"', 'table = "things_0"', ""])
    )  # fmt: skip
    with psycopg.connect(server.url("owner", name), autocommit=True) as connection:
        connection.execute("INSERT INTO things_0 (name, status, amount, made_at) VALUES ('a', 'new', 1, now())")
        connection.execute("ANALYZE")


if __name__ == "__main__":
    main()
