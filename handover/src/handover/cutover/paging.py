"""A page: the hook that reaches a person on call, and what is said when it reaches none."""

from collections.abc import Callable, Mapping
from typing import Any

from handover.config.config import Config
from handover.cutover import hooks
from handover.errors import Refused

UNDECLARED = "no hook `page` is declared, see [hooks.at]"


def page(config: Config, facts: Mapping[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the hook ``page``; return what the journal keeps of it.

    Parameters
    ----------
    config, facts
        The pair, and what the hook is told.
    say
        Receives why no person was paged.

    Returns
    -------
    dict
        ``hook`` when it ended well; ``trouble`` when it failed, to try again; ``undeclared`` when there is none.
    """
    try:
        ran = hooks.run(config, "page", facts)
    except (hooks.HookError, Refused) as error:
        said: dict[str, Any] = {"trouble": str(error)}
    else:
        said = {"hook": {"output": ran.output, "took_s": ran.seconds}} if ran else {"undeclared": UNDECLARED}
    if missed := not_sent(said):
        say(f"the page was not sent: {missed}")
    return said


def not_sent(kept: Mapping[str, Any]) -> str:
    """Return why a page of the journal reached no person; empty when it was sent.

    Examples
    --------
    >>> not_sent({"hook": {"output": "told slack"}})
    ''
    >>> not_sent({"trouble": "the hook page failed"})
    'the hook page failed'
    """
    return str(kept.get("trouble") or kept.get("undeclared", ""))
