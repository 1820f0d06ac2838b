"""One person with a browser: an account, open tabs, and what belongs to them."""

import asyncio
import random
from dataclasses import dataclass, field

import httpx

from sandbox.clients.browser import Browser, Tab
from sandbox.clients.page import Page
from sandbox.clients.possessions import Possessions
from sandbox.clients.settings import CrowdSettings

PASSWORD = "salsa-no"  # noqa: S105 - of people who exist for a few minutes
NOWHERE = ""  # an address that was typed, or a bookmark: no page led there


@dataclass
class KeptTab(Tab):
    """A tab that stays open: its page, with the token and the links of the system that served it, never changes."""

    page: Page = field(default_factory=lambda: Page(""))
    videos: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """The CSRF token in the page's forms."""
        return next((form.fields.get("csrfmiddlewaretoken", "") for form in self.page.forms if form.fields), "")


class Person:
    """A person with a browser."""

    def __init__(self, name: str, browser: Browser, settings: CrowdSettings, making_slots: asyncio.Semaphore) -> None:
        self.name = name
        self.browser = browser
        self.settings = settings
        self.making_slots = making_slots
        self.random = random.Random(f"{settings.seed} {name}")  # noqa: S311 - a repeatable crowd
        self.tabs: dict[str, KeptTab] = {}
        self.owns = Possessions()
        self.making: asyncio.Task[None] | None = None

    async def arrive(self) -> None:
        """Create an account and open a page."""
        answer = await self.browser.open(Tab(NOWHERE), "arrive", "/auth/register/")
        if answer is None:
            return
        page = Page(answer.text)
        form = next(form for form in page.forms if "password" in form.fields)
        typed = {"username": self.name, "display_name": self.name, "email": f"{self.name}@example.org"}
        data = form.fields | typed | {"password": PASSWORD}
        address = form.action or answer.url.path
        done = await self.browser.open(
            Tab(self.browser.last_system), "register", address, method="POST", data=data, check=self.is_greeted
        )
        self.browser.logged_in = done is not None
        await self.keep_tab()

    def is_greeted(self, answer: httpx.Response) -> str:
        """Return what is wrong with a page that should show who is logged in."""
        return "" if self.name in answer.text else "the page does not know who is here"

    async def log_in_again(self) -> None:
        """Log out and in again; pages that were open hold a token that is no longer valid."""
        tab = self.tabs.get(self.browser.last_system)
        if tab is None or self.is_making:
            return
        form = tab.page.form("Log out")
        self.browser.logged_in = False
        self.tabs.clear()
        left = await self.browser.open(tab, "log out", form.action, method="POST", data=form.fields)
        if left is not None:
            await self.log_in()

    async def log_in(self) -> None:
        """Log in."""
        answer = await self.browser.open(Tab(NOWHERE), "log in", "/auth/login/")
        if answer is None:
            return
        form = next(form for form in Page(answer.text).forms if "password" in form.fields)
        who = "login" if "login" in form.fields else "username"
        data = form.fields | {who: f"{self.name}@example.org", "password": PASSWORD}
        here = Tab(self.browser.last_system)
        address = form.action or answer.url.path
        done = await self.browser.open(here, "log in", address, method="POST", data=data, check=self.is_greeted)
        self.browser.logged_in = done is not None

    async def keep_tab(self) -> None:
        """Open a page that stays open from now on."""
        answer = await self.browser.open(Tab(NOWHERE), "open", "/", check=self.is_greeted)
        if answer is not None:
            here = self.browser.last_system
            self.tabs[here] = KeptTab(here, Page(answer.text))

    @property
    def is_making(self) -> bool:
        """Whether one of their choreographies is being made."""
        return self.making is not None and not self.making.done()
