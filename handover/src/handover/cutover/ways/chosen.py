"""The way that ``handover.toml`` chooses."""

from handover.config.config import Config
from handover.cutover.plan import DNS, CutoverPlan
from handover.cutover.ways.dns import DnsWay
from handover.cutover.ways.load_balancer import LoadBalancerWay
from handover.cutover.ways.way import Way
from handover.errors import Refused
from handover.journal.entry import JournalEntry


def chosen_way(config: Config) -> Way:
    """Return the way to move people that is declared."""
    return DnsWay(config) if config.switch.way == DNS else LoadBalancerWay(config)


def check_same_way(config: Config, entries: list[JournalEntry]) -> None:
    """Raise when people were moved in another way than the one that is declared now.

    Raises
    ------
    Refused
        The way back would change what does not decide which system people reach.
    """
    moved = [e for e in entries if e.kind == "run" and e.body["command"] == "cutover"]
    plan = moved[-1].body.get("facts", {}).get("plan") if moved else None
    if plan is None or (way := CutoverPlan.from_json(plan).way) == config.switch.way:
        return
    message = f"people were moved by {way}; handover.toml says [switch] way = {config.switch.way!r} by now."
    raise Refused(f"{message} Nothing was changed. Declare {way} again, as it was, then go back.", code="HO625")
