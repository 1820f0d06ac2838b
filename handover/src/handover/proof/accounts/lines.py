"""Lines that register an account again and try to log in as it, for each system's own shell."""

import secrets

from handover.proof.accounts.identity import Identity, ProofAccount
from handover.proof.actor import Reply
from handover.side import Side

PASSWORD = "a-Long-Secret-1"  # noqa: S105 - of an account that a reader makes on a copy


def login_lines(
    identity: Identity, opens: Side, blind: Side, made: ProofAccount, text: str, answer: Reply
) -> tuple[str, ...]:
    """Return the lines that register an account on one system and log in on both.

    Parameters
    ----------
    identity
        The run.
    opens, blind
        The system that registers the account and lets it in, and the one that does not let it in.
    made, text
        The account, and what is typed.
    answer
        The reply to the login on the first system.
    """
    # A new account each time: a reader may run the lines of two findings one after the other.
    known, fresh = made.group.removesuffix(" group"), f"proof{secrets.token_hex(6)}"
    values = {k: v.replace(known, fresh) if isinstance(v, str) else v for k, v in made.given.items()}
    text = text.replace(known, fresh).replace(known.upper(), fresh.upper())
    given = ", ".join(f"{name}={value!r}" for name, value in (values | {"password": PASSWORD}).items())
    register = f"from django.contrib.auth import get_user_model as m; print(m()._default_manager.create_user({given}))"
    name, secret = next(iter((answer.value or {}).get("by", ())), ("username", "password"))
    lines = [f"{register}  # in the shell of the {opens}"]
    for side in dict.fromkeys((opens, blind)):
        tried = (
            f"from django.contrib.auth import authenticate as a; print(a(None, {name}={text!r}, {secret}={PASSWORD!r}))"
        )
        if way := getattr(identity.target.config.prove.login, side):
            tried = _by_page(way, text)
        lines.append(f"{tried}  # in the shell of the {side}")
    return tuple(lines)


def _by_page(way: str, text: str) -> str:
    path, _, name = way.rpartition(".")
    form = f"f(R(), data={{'username': {text!r}, 'password': {PASSWORD!r}}}).is_valid()"
    function = f"f(request=R(), login={text!r}, password={PASSWORD!r})"
    imports = f"from {path} import {name} as f; from django.http import HttpRequest as R"
    return f"{imports}; print({form} if hasattr(f, 'get_user') else {function})"
