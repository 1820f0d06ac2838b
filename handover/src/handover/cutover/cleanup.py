"""The end: the original is archived and decommissioned hook by hook; the database stays."""

import json
import subprocess
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from handover.check.run import gathered
from handover.check.systems import asking
from handover.config.config import Config, database_url
from handover.cutover import hooks, traffic, verify
from handover.cutover.confirm import last_switch
from handover.cutover.context import RunContext
from handover.document import markdown
from handover.document.facts import as_json
from handover.errors import Refused, UnseenError
from handover.private_files import private_folder, write_private
from handover.runs.command import Action, Command, Evidence
from handover.side import Side
from handover.troubles import why_unreadable

FOLDER = Path(".handover/archive")
ARCHIVE = "archive the original"
_PARITY = """
    SELECT system, metric, count(*), min(value), max(value), count(*) FILTER (WHERE verdict = 'green'),
           min(window_start), max(window_end)
      FROM handover.watch_windows GROUP BY system, metric ORDER BY system, metric
"""


def preflight(context: RunContext) -> Evidence:
    """The waiting time is over, nothing is in breach, and the original gets no more requests.

    Raises
    ------
    Refused
        One of these does not hold.
    """
    settings = context.config.cleanup
    switched = last_switch(context.journal.entries()).ended
    left = switched + timedelta(hours=settings.after_h) - context.journal.now()
    if left > timedelta(0):
        message = f"the switch was at {switched:%F %T %Z}; clean-up waits {settings.after_h:g} h after it."
        hours = left.total_seconds() / 3600
        raise Refused(f"{message} {hours:.1f} h are left. Nothing was changed.", code="HO590")
    # Some counters count the requests of the watch as well, so it may be stopped just before.
    judged = verify.judge_windows(context, ended_lately=traffic.WATCH_STOPPED_AT_MOST)
    if not judged.calm:
        message = f"the backend is not well, or was not watched: {judged}. Nothing was changed."
        raise Refused(f"{message} See: handover verify", code="HO591")
    seen = traffic.follow(context.config, Side.ORIGINAL, say=context.say)
    if not seen["quiet"]:
        message = (
            f"the original still gets requests: {seen['requests']} in {seen['after_s']:.0f} s. Nothing was changed."
        )
        raise Refused(f"{message} {seen['note'] or 'Find out which clients send them.'}", code="HO592")
    if not settings.decommission:
        message = "no decommission hook is declared, so nothing would end the original. Nothing was changed."
        raise Refused(f"{message} Declare them: [cleanup] decommission", code="HO593")
    if troubles := [trouble for name in settings.decommission if (trouble := hooks.cannot_run(context.config, name))]:
        raise Refused(
            f"a hook of the clean-up cannot be run: {'; '.join(troubles)}. Nothing was changed.", code="HO593"
        )
    return {"switched_at": switched.isoformat(), "traffic": seen}


def archive(context: RunContext) -> Evidence:
    """Keep the original's commit, the schema, and what the watch has seen of both systems."""
    folder = private_folder(context.config.root / FOLDER)
    write_private(folder / "code.txt", f"{(code := _code(context.config))}\n")
    with asking(context.config) as answers, gathered(context.config, database_url(context.config), answers) as facts:
        if facts.findings:
            raise UnseenError("the schema could not be read whole:\n" + "\n".join(map(str, facts.findings)))
        subject = facts.subject
    write_private(folder / "schema.md", markdown.as_markdown(subject))
    write_private(folder / "schema.json", json.dumps(as_json(subject), indent=2, ensure_ascii=False))
    write_private(folder / "parity.json", json.dumps(_parity(context), indent=2, default=str))
    return {"folder": str(FOLDER), "code": code}


def _code(config: Config) -> str:
    path = config.root / config.system(Side.ORIGINAL).path
    asked = subprocess.run(
        ["git", "-C", str(path), "log", "-1", "--format=%H %cI %s", "--", "."],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode or not asked.stdout.strip():
        return f"{path} is no git repository that this machine can read; archive its code by hand"
    return asked.stdout.strip()


def _parity(context: RunContext) -> list[dict[str, Any]]:
    names = ("system", "metric", "windows", "lowest", "highest", "green", "first", "last")
    try:
        rows = context.journal.connection().execute(_PARITY).fetchall()
    except psycopg.Error as error:
        raise UnseenError(
            f"what the watch has seen could not be read: {why_unreadable(error)}. Run again when the database answers."
        ) from error
    return [dict(zip(names, row, strict=True)) for row in rows]


def decommission(name: str, context: RunContext) -> Evidence:
    """Run one decommission hook, once its name was confirmed."""
    if name not in context.facts.get("confirmed", ()) and not context.confirm(name):
        message = f"{name} was not confirmed, so it was not run. Everything before it is done."
        raise Refused(f"{message} Go on: handover resume --confirm {name}", code="HO594")
    ran = hooks.execute(context.config, name, (name,), {"step": "decommission"})
    return {"output": ran.output, "took_s": ran.seconds}


def cleanup_command(config: Config) -> Command[RunContext]:
    """Return the command with one action for each decommission hook."""
    ends = (Action(f"decommission: {name}", partial(decommission, name)) for name in config.cleanup.decommission)
    return Command("cleanup", (Action(ARCHIVE, archive), *ends), preflight, ARCHIVE)
