"""Pages of other sites use the API only where a setting names them, with a token and never with a cookie."""

import subprocess
import sys

import pytest
from django.conf import settings as plain
from django.test import Client

from apps.tokens.services import issue_token
from tests.test_problems import BACKEND

SITE = "https://app.example.com"
ASKS = {"Origin": SITE, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization"}


def of_cors(answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.lower().startswith("access-control")}


def test_without_a_setting__no_origin_is_let_in(api):
    assert (plain.CORS_ALLOWED_ORIGINS, plain.CORS_ALLOW_ALL_ORIGINS, plain.CORS_ALLOW_CREDENTIALS) == (
        [],
        False,
        False,
    )
    assert of_cors(api.get("/api/auth/me", headers={"Origin": SITE})) == {}
    assert of_cors(api.options("/api/auth/me", headers=ASKS)) == {}


def test_origin_that_is_named__uses_the_api_with_a_token_and_nothing_else(api, ana, settings):
    settings.CORS_ALLOWED_ORIGINS = [SITE]
    _, secret = issue_token(user=ana, name="x", scopes=["read", "account:write"])
    token = {"Authorization": f"Bearer {secret}", "Origin": SITE, "Sec-Fetch-Site": "cross-site"}
    asked = Client().options("/api/auth/me", headers=ASKS)
    assert asked["Access-Control-Allow-Origin"] == SITE
    assert {"PATCH", "DELETE"} <= set(asked["Access-Control-Allow-Methods"].split(", "))
    assert "authorization" in asked["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in asked
    got = Client().get("/api/auth/me", headers=token)
    assert (got.status_code, got["Access-Control-Allow-Origin"]) == (200, SITE)
    assert "ETag" in got["Access-Control-Expose-Headers"]
    assert "origin" in got["Vary"].lower()
    changed = Client().patch("/api/auth/me", {"display_name": "x"}, content_type="application/json", headers=token)
    assert changed.status_code == 200
    # A cookie alone, another site, another address: as without the setting.
    foreign = {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}
    assert api.patch("/api/auth/me", {}, content_type="application/json", headers=foreign).status_code == 403
    assert api.post("/logout", headers=token).status_code == 403
    assert of_cors(api.get("/studio", headers={"Origin": SITE})) == {}
    evil = token | {"Origin": "https://evil.example"}
    assert of_cors(Client().get("/api/auth/me", headers=evil)) == {}
    assert Client().patch("/api/auth/me", {}, content_type="application/json", headers=evil).status_code == 403


@pytest.mark.parametrize("bad", ["app.example.com", "https://app.example.com/", "https://*.example.com", "null"])
def test_origin_that_is_none__is_refused_at_the_start(bad, monkeypatch):
    monkeypatch.setenv("CORS_ORIGINS", bad)
    done = subprocess.run(
        [sys.executable, "-c", "import config.env"], cwd=BACKEND, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert f"CORS_ORIGINS has {bad!r}; each must be an origin" in done.stderr
