"""``handover sign``: sign off the current schema, evidence and plan."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from handover.cli.console import out
from handover.cli.options import DEFAULT_CONFIG, BecauseOption, ConfigOption, PlanOption
from handover.config.config import Config, load_config
from handover.cutover import plan
from handover.cutover.gate_context import gate_context
from handover.cutover.planning import check_target
from handover.cutover.sign import Prover, signature_of
from handover.cutover.signer import signed_by
from handover.cutover.ssh_proof import prove_by_key
from handover.errors import ConfigurationError
from handover.journal.journal import opened
from handover.troubles import file_trouble

TOKEN_VARIABLE = "HANDOVER_ID_TOKEN"  # noqa: S105 - the variable's name
KeyOption = Annotated[
    Path | None, typer.Option("--key", help="Prove who signs with this SSH key, or the public one of an agent's key.")
]
TokenOption = Annotated[
    Path | None,
    typer.Option(
        "--token", metavar="FILE", help=f"Prove who signs with this OIDC token; - reads it, as does {TOKEN_VARIABLE}."
    ),
]


def sign(
    role: Annotated[str, typer.Option("--as", metavar="ROLE", help="For example DevOps.")],
    because: BecauseOption,
    key: KeyOption = None,
    token: TokenOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    plan_: PlanOption = "",
) -> None:
    """Sign off the schema, the evidence and the plan as they are; a later change of any of them voids it."""
    pair = load_config(config)
    prove = _prover(pair, role, key, token)
    with opened(pair) as journal:
        journal.require()
        reviewed = plan.load(pair, plan_) if plan_ else plan.newest(pair)
        check_target(pair, reviewed)
        body = signature_of(gate_context(pair, journal, reviewed), role, because, prove)
        entry = journal.add("signature", body)
    out.print(f"Signed as {role} by {signed_by(entry)}, for {body['fingerprint'][:12]}, attempt {body['attempt']}:")
    out.print("\n".join(f"  {part}: {value[:12]}" for part, value in body["parts"].items()))


def _prover(pair: Config, role: str, key: Path | None, token: Path | None) -> Prover | None:
    """Return what proves who signs; None when nothing was given."""
    if key and token:
        raise ConfigurationError("--key and --token prove one signer each; choose one.")
    if key:
        wanted = {name for gate in pair.gates if role in gate.signers for name in gate.signers[role].identities}
        return lambda text: prove_by_key(pair, key, text, wanted)
    given = _read(token) if token else os.environ.get(TOKEN_VARIABLE, "")
    if not given:
        return None
    from handover.cutover.token_proof import prove_by_token  # noqa: PLC0415 - needs the extra [oidc]

    return lambda _: prove_by_token(pair, given)


def _read(token: Path) -> str:
    try:
        return (sys.stdin.read() if str(token) == "-" else token.read_text()).strip()
    except OSError as error:
        raise ConfigurationError(file_trouble(error)) from error
