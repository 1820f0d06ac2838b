"""``handover hooks``: which hooks are declared, one that tells the team, and a trial of it."""

from importlib.resources import files
from typing import Annotated, get_args

import typer

from handover.check.table import BAD, GOOD, OPEN
from handover.cli.console import out
from handover.cli.options import DEFAULT_CONFIG, ConfigOption
from handover.config.config import Config, load_config
from handover.config.cutover import HookPoint
from handover.cutover.hooks import cannot_run, run
from handover.cutover.ways.chosen import chosen_way
from handover.errors import Refused
from handover.wording import page_address

TELL = "tell"
# Hooks of these points change nothing, so they can be tried at any time.
HARMLESS: tuple[HookPoint, ...] = ("notify", "page", "traffic")
TEXT = "a trial of this hook; nothing is wrong"

hooks = typer.Typer(no_args_is_help=True, help="Which hooks are declared, one that tells the team, and a trial of it.")


@hooks.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Say for each point which hook is declared, those of the clean-up too, and whether it can be run."""
    pair = load_config(config)
    whole = True
    for point in get_args(HookPoint):
        mark, said = _declared(pair, point)
        whole = whole and mark != BAD
        out.print(f"{mark} {point}: {said}")
    for name in pair.cleanup.decommission:
        trouble = cannot_run(pair, name)
        whole = whole and not trouble
        out.print(f"{BAD if trouble else GOOD} clean-up: {name}{f': {trouble}' if trouble else ''}")
    raise typer.Exit(0 if whole else 1)


@hooks.command()
def add(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Write the hook `tell`, which tells the team by Slack, Teams, PagerDuty or e-mail; say what to declare."""
    pair = load_config(config)
    path = pair.root / pair.hooks.folder / TELL
    text = files("handover.cutover").joinpath("tell.py").read_text()
    if path.exists() and path.read_text() != text:
        message = f"{path} is there already, and is another; nothing was written."
        raise Refused(f"{message} Move it away, then add this one.", code="HO589")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    out.print(f"{path} is written. Its first lines say which variables each channel needs.")
    out.print('Declare it below [hooks.at]: page = ["tell", "pagerduty"]. Then: handover hooks try page')


@hooks.command("try")
def try_(
    point: Annotated[str, typer.Argument(metavar="POINT", help=f"One of {', '.join(HARMLESS)}.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Run the hook of a point that changes nothing, with words that say it is a trial."""
    pair = load_config(config)
    if point not in HARMLESS:
        message = f"the hook of {point} may act, so it is not tried; those of {', '.join(HARMLESS)} are."
        raise Refused(
            f"{message} Run it by hand, with JSON as it reads it: {page_address('reference/hooks')}", code="HO589"
        )
    facts = {"said": TEXT, "about": ["a trial"], "facts": {"because": TEXT}, "system": "original", "trial": True}
    ran = run(pair, point, {**chosen_way(pair).told({}), **facts})
    if ran is None:
        raise Refused(f"no hook is declared for {point}. Declare one below [hooks.at].", code="HO589")
    out.print(f"{GOOD} {point} ended well after {ran.seconds:.1f} s: {ran.output or 'it printed nothing'}")


def _declared(pair: Config, point: HookPoint) -> tuple[str, str]:
    """Return a mark and what is to be said of a point."""
    argv = pair.hooks.at.get(point)
    if argv is None:
        return OPEN, "none"
    trouble = cannot_run(pair, argv[0])
    return (BAD, f"{' '.join(argv)}: {trouble}") if trouble else (GOOD, " ".join(argv))
