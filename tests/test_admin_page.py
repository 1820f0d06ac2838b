"""The admin site in a real browser: it works under the strict policy, which a page that breaks it would report."""

import secrets

import pyotp
import pytest

from handover_testing import browser
from tests.people import PASSWORD, shell

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)

STAFF = """
from apps.authentication.models import User
User.objects.create_superuser({name!r}, "{name}@example.org", {password!r}, display_name="Staff")
"""


def test_admin__lists_searches_filters_and_changes_under_the_policy(systems):
    name = f"staff{secrets.token_hex(3)}"
    shell(systems, "backend", STAFF.format(name=name, password=PASSWORD))
    # An error of the console fails the test: so does each thing that the policy forbids. Only an icon is missing.
    with browser.page(expected_errors=("404 (Not Found)",)) as page:
        page.goto(f"{systems.backend_url}/admin/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("The code that the app shows").fill(pyotp.TOTP(page.locator(".secret").inner_text()).now())
        page.get_by_role("button", name="Use it").click()
        page.get_by_role("link", name="I have written them down").click()
        page.get_by_role("heading", name="Site administration").wait_for()
        page.goto(f"{systems.backend_url}/admin/users/user/")
        page.locator("#searchbar").fill(name)
        page.get_by_role("button", name="Search").click()
        page.get_by_role("link", name=name, exact=True).click()
        page.locator("#id_display_name").fill("Front of house")
        # Two boxes with buttons between them, which the admin's own script makes.
        page.locator(".selector-chooser").first.wait_for()
        page.get_by_role("link", name="Today").first.click()
        page.get_by_role("button", name="Save and continue editing").click()
        page.get_by_text("was changed successfully").wait_for()
        assert page.locator("#id_display_name").input_value() == "Front of house"


def test_inline_script__does_not_run_and_is_an_error_of_the_console(systems):
    """The negative control."""
    said: list[str] = []
    with browser.page(expected_errors=("Content Security Policy",)) as page:
        page.on("console", lambda line: said.append(line.text))
        page.goto(f"{systems.backend_url}/login")
        page.evaluate("document.head.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))")
        assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in line for line in said)
