"""Requests that a program makes of the OpenAPI document (schemathesis): the API does what its document says.

The long run (COMPAS_FULL=1) sends more than 5,000 to every address; the short one a few to some.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from apps.tokens.scopes import SCOPES
from apps.tokens.services import issue_token
from sandbox.ports import LOOPBACK
from tests.conftest import make_user
from tests.openapi import document
from tests.test_following import backend

FULL = os.environ.get("COMPAS_FULL") == "1"
EXAMPLES = os.environ.get("REQUESTS_EACH", "60" if FULL else "1")
PHASES = "examples,coverage,fuzzing,stateful" if FULL else "fuzzing"
# The short run asks these alone.
SHORT = () if FULL else ("--include-operation-id-regex", "^(get_me|list_labels|create_webhook|change_me|list_tasks)$")

# What a schema cannot say: that a cursor is one of ours, that an order does not go with a search, that an e-mail is
# taken, that a URL leads to a public address; and the states of things.
RULES = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "304", "400", "401", "403", "404", "409", "410", "412", "429"]
"""


def run_against(url: str, token: str, folder: Path, *more: str) -> tuple[int, str]:
    """Let schemathesis ask a server; return its exit code and what it printed."""
    (folder / "openapi.json").write_text(json.dumps(document(), default=str))
    (folder / "schemathesis.toml").write_text(RULES)
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", "openapi.json", "--url", url]
    command += ["--checks", "all", "--phases", PHASES, "--max-examples", EXAMPLES, "--seed", "7", "--workers", "1"]
    command += ["--header", f"Authorization: Bearer {token}", "--suppress-health-check", "all", "--no-shrink"]
    command += ["--continue-on-failure", "--request-timeout", "30", "--report-json-path", "report.json", *more]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_generated_requests__find_no_answer_that_the_document_does_not_tell(
    own_database, moves_library, tmp_path, record_testsuite_property
):
    user = make_user("ana")
    _, token = issue_token(user=user, name="x", scopes=list(SCOPES))
    folder = tmp_path / "server"
    folder.mkdir()
    with backend(own_database, folder, MOVES_LIBRARY=str(moves_library)) as server:
        code, said = run_against(f"http://{LOOPBACK}:{server.port}", token, tmp_path, *SHORT)
        assert "Traceback" not in (folder / "log").read_text(), (folder / "log").read_text()[-4000:]
    (tmp_path / "said").write_text(said)
    number = int(re.search(r"(\d+) generated", said)[1])
    record_testsuite_property("generated_requests", number)
    assert code == 0, said
    assert number >= (5_000 if FULL else 5), said


@pytest.mark.parametrize("planted", ["fault"])
def test_planted__fault__is_found(own_database, tmp_path, planted):
    """The negative control: a document that promises another type of answer."""
    _, token = issue_token(user=make_user("ana"), name="x", scopes=list(SCOPES))
    folder = tmp_path / "server"
    folder.mkdir()
    with backend(own_database, folder) as server:
        schemas = document()["components"]["schemas"]
        kept, schemas["Me"]["properties"]["username"] = schemas["Me"]["properties"]["username"], {"type": "integer"}
        try:
            url = f"http://{LOOPBACK}:{server.port}"
            code, said = run_against(url, token, tmp_path, "--include-operation-id", "get_me")
        finally:
            schemas["Me"]["properties"]["username"] = kept
    assert code == 1, said
    assert "Response violates schema" in said
