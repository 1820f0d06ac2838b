"""Who acts: the account of the operating system. What the environment says is told beside it, and never believed."""

import os
import pwd
from dataclasses import dataclass
from typing import Any

from handover.wording import one_line

# A name that people give themselves where several share an account: a label, no identity.
LABEL_VARIABLE, SUDO_VARIABLE = "HANDOVER_OPERATOR", "SUDO_USER"
LABEL_LENGTH = 80


@dataclass(frozen=True)
class ActingAccount:
    """The account that this process runs as.

    Attributes
    ----------
    name, uid
        By the real user id, which the kernel knows; ``uid N`` is the name of an account without one.
    sudo_user
        Who became this account, by sudo's own variable; empty without one. Every process can set it.
    label
        HANDOVER_OPERATOR; empty when it is not set, or is the account's name.
    """

    name: str
    uid: int
    sudo_user: str = ""
    label: str = ""

    def __str__(self) -> str:
        told = [f"by sudo of {self.sudo_user}"] if self.sudo_user else []
        told += [f"called {self.label}"] if self.label else []
        return f"{self.name} ({', '.join(told)})" if told else self.name

    def as_json(self) -> dict[str, Any]:
        """Return it as the journal keeps it."""
        told = {"sudo_user": self.sudo_user, "label": self.label}
        return {"account": self.name, "uid": self.uid, **{name: value for name, value in told.items() if value}}


def this_account() -> ActingAccount:
    """Return the account of this process."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container whose user has no name
        name = f"uid {uid}"
    sudo_user, label = (_told(variable) for variable in (SUDO_VARIABLE, LABEL_VARIABLE))
    return ActingAccount(name, uid, "" if sudo_user == name else sudo_user, "" if label == name else label)


def _told(variable: str) -> str:
    """Return what the environment says, as one short line: it must not look like words of the toolkit."""
    return one_line(os.environ.get(variable, ""))[:LABEL_LENGTH]
