"""``handover shadow``: send the same reads to both systems, and compare the answers."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from handover.check.contract import judge, load, path_of
from handover.check.machine import finding_as_json
from handover.check.table import BAD, GOOD, OPEN
from handover.cli.check import say
from handover.cli.console import out, print_json
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption
from handover.config.config import Config, load_config
from handover.config.parallel import AccessLog
from handover.finding import Finding
from handover.journal.evidence import recording
from handover.parallel.reads import choose
from handover.parallel.shadow import compare_reads, summary

GREEN, NOT_COMPARED, DIFFERENT = 0, 1, 4


def shadow(
    config: ConfigOption = DEFAULT_CONFIG,
    log: Annotated[Path | None, typer.Option(help="An access log, instead of the declared one.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many different reads.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Send GET and HEAD requests to both systems and compare the answers; requests that write are never sent.

    Exit 0 all answers are equal, 4 something differs, 1 something could not be compared, or nothing was.
    """
    pair = load_config(config)
    result = compare(pair, log, limit)
    if as_json:
        print_json(result)
    else:
        _show(result)
    raise typer.Exit(result["exit_code"])


def compare(pair: Config, log: Path | None, limit: int | None) -> dict[str, Any]:
    """Compare, keep the evidence, return what it says."""
    declared = pair.shadow.log
    given = AccessLog(path=log.resolve(), **declared.model_dump(exclude={"path"}) if declared else {}) if log else None
    chosen = choose(pair, given, limit)
    with recording(pair, "shadow") as recorder:
        found = []
        for one in compare_reads(pair, chosen, say=say):
            found.append(one)
            code = one.finding.code if one.finding else ""
            facts = {"request": one.read.shown, "times": one.times, "statuses": one.statuses, "code": code}
            places = {"different": one.compared.different, "noise": one.compared.noise} if one.compared else {}
            recorder.line("requests", facts | places)
        counts = summary(chosen, found)
        findings = [one.finding for one in found if one.finding] + _nothing(counts)
        judged = judge(load(path_of(pair)), tuple(findings), date.today())  # noqa: DTZ011 - a day of the reader's
        result = counts | {
            "exit_code": _exit_code(judged.open),
            "findings": [finding_as_json(finding) for finding in judged.open],
            "accepted": len(judged.accepted),
        }
        recorder.summary.update(result)
    return result


def _nothing(counts: dict[str, Any]) -> list[Finding]:
    missing = []
    if not counts["compared"]:
        why = "0 requests were compared"
        todo = "Name a log, paths or flows in [shadow], and a reader's session."
        missing.append(
            Finding(
                code="HO618",
                where="shadow",
                found=why,
                expected="what was not looked at is not the same",
                todo=todo,
                severity="unseen",
                hurts="both",
            )
        )
    if counts["unread_lines"]:
        why = f"has {counts['unread_lines']} lines in another format"
        missing.append(
            Finding(
                code="HO619",
                where="the access log",
                found=why,
                expected="they were not sent",
                todo="Correct its format.",
                severity="unseen",
            )
        )
    return missing


def _exit_code(findings: tuple[Finding, ...]) -> int:
    severities = {finding.severity for finding in findings}
    return DIFFERENT if "breaking" in severities else NOT_COMPARED if "unseen" in severities else GREEN


def _show(result: dict[str, Any]) -> None:
    for one in result["findings"]:
        mark = BAD if one["severity"] == "breaking" else OPEN
        out.print(f"{mark} {one['code']} {one['place']} {one['is']}; {one['expected']}.\n     {one['todo']}")
    for place, times in result["noise_places"].items():
        out.print(f"   noise, not counted: {place}, in {times} requests")
    mark = GOOD if result["exit_code"] == GREEN else BAD if result["exit_code"] == DIFFERENT else OPEN
    out.print(
        f"{mark} {result['compared']} of {result['sent']} requests compared, {result['different']} differ;"
        f" {result['noise']} with noise, {result['writes_refused']} that write were refused,"
        f" {result['excluded']} excluded"
    )
