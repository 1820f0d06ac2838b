"""Verbs that read and write rows, on a pair whose models have hostile tables, columns, defaults and rows."""

import json
import os
import secrets
import subprocess
import urllib.parse
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from handover_testing import browser
from handover_testing.drifts.projects import Model, Project, f
from handover_testing.drifts.shapes import DANCE, Shape
from handover_testing.drifts.stage import Stage, build
from handover_testing.hostile import USABLE, acting_characters, made_markup, plague
from handover_testing.night import Kept
from handover_testing.sections import section
from sandbox.snapshot import changes, snapshot

# Two rows each: one that the database fills, one that is given.
ROWS = "INSERT INTO {table} (id, {name}) VALUES ({text}, DEFAULT), ({other}, {other})"


def table_of(name: str) -> str:
    return f"m{name}"[:62].encode()[:63].decode(errors="ignore")


def hostile_model(number: int, name: str) -> Model:
    text = repr(name)
    fields = {
        "id": f("CharField", max_length="80", primary_key="True"),
        "said": f(
            "CharField",
            max_length="80",
            db_column=text,
            db_default=text,
            default=text,
            choices=f"[({text}, {text}), ({text + '!'!r}[1:-1], {text})]" if False else f"[({text}, {text})]",
            verbose_name=text,
            help_text=text,
        ),
    }
    return Model(f"Odd{number}", fields, {"db_table": repr(table_of(name)), "verbose_name": text})


def hostile_shape(names: dict[str, str]) -> Shape:
    project = DANCE.project.copy()
    rows = [DANCE.rows]
    for number, name in enumerate(names.values()):
        project.models[f"Odd{number}"] = hostile_model(number, name)
        parts = {"table": sql.Identifier(table_of(name)), "name": sql.Identifier(name)}
        values = {"text": sql.Literal(name), "other": sql.Literal(f"{name}!")}
        rows.append(sql.SQL(ROWS).format(**parts, **values).as_string() + ";")
    return Shape("hostile", project, "\n".join(rows))
