"""``handover document``: the exact schema of production as a document."""

from pathlib import Path
from typing import Annotated

import typer

from handover.check.merging import by_cause
from handover.check.run import gathered
from handover.check.systems import asking
from handover.cli.check import say
from handover.cli.console import print_json, print_whole
from handover.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption
from handover.config.config import database_url, load_config
from handover.document import drift, markdown
from handover.document.facts import as_json
from handover.errors import ConfigurationError, UnseenError
from handover.wording import one_line

DIFFERENT = 4


def document(
    config: ConfigOption = DEFAULT_CONFIG,
    json_: JsonOption = False,
    strategy: Annotated[bool, typer.Option("--strategy", help="The mapping of the models only.")] = False,
    diff: Annotated[Path | None, typer.Option("--diff", help="Show what changed since this saved JSON.")] = None,
) -> None:
    """Write the schema of the live database and what the models know of it. Two runs on the same schema are equal."""
    if json_ + strategy + (diff is not None) > 1:
        raise ConfigurationError("--json, --strategy and --diff are one output each; choose one.")
    pair = load_config(config)
    old = drift.load(diff) if diff else None
    say("asking both systems, reading the catalog")
    with asking(pair) as answers, gathered(pair, database_url(pair), answers) as facts:
        if facts.findings:
            raise UnseenError("the document would not be complete:\n" + "\n".join(map(str, by_cause(facts.findings))))
        subject = facts.subject
    if old is not None:
        lines = list(drift.drift(old, as_json(subject)))
        print_whole("\n".join(map(one_line, lines)) or f"Nothing changed since {diff}.")
        raise typer.Exit(DIFFERENT if lines else 0)
    if json_:
        print_json(as_json(subject))
    else:
        print_whole((markdown.strategy if strategy else markdown.as_markdown)(subject).rstrip("\n"))
