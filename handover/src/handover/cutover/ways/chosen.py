"""The way that ``handover.toml`` chooses."""

from handover.config.config import Config
from handover.cutover.ways.dns import DnsWay
from handover.cutover.ways.way import Way


def chosen_way(config: Config) -> Way:
    """Return the way to move people that is declared."""
    return DnsWay(config)
