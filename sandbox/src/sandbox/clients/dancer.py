"""What one person does: arrives, dances through the pages in bursts, keeps old tabs open, makes choreographies."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from sandbox.clients import backend_tab, original_tab
from sandbox.clients.browser import Browser, Tab
from sandbox.clients.page import Page
from sandbox.clients.possessions import Possessions
from sandbox.clients.wishes import Wishes

PASSWORD = "salsa-no"  # noqa: S105 - of people who exist for a few minutes
NOWHERE = ""  # an address that was typed, or a bookmark: no page led there
Act = Callable[["KeptTab"], Awaitable[None]]


@dataclass
class KeptTab(Tab):
    """A tab that stays open: its page, with the token and the links of the system that served it, never changes."""

    page: Page = field(default_factory=lambda: Page(""))
    videos: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """The CSRF token in the page's forms."""
        return next((form.fields.get("csrfmiddlewaretoken", "") for form in self.page.forms if form.fields), "")


class Dancer:
    """A person with a browser."""

    def __init__(self, name: str, browser: Browser, wishes: Wishes, making: asyncio.Semaphore) -> None:
        self.name = name
        self.browser = browser
        self.wishes = wishes
        self.making = making
        self.chance = random.Random(f"{wishes.seed} {name}")  # noqa: S311 - a repeatable crowd
        self.tabs: dict[str, KeptTab] = {}
        self.owns = Possessions()
        self.songs: list[str] = []
        self._making: asyncio.Task[None] | None = None

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
            Tab(self.browser.here), "register", address, method="POST", data=data, check=self.is_greeted
        )
        self.browser.logged_in = done is not None
        await self.keep_tab()

    def is_greeted(self, answer: httpx.Response) -> str:
        """Return what is wrong with a page that should show who is logged in."""
        return "" if self.name in answer.text else "the page does not know who is here"

    async def log_in_again(self) -> None:
        """Leave and come back; pages that were open hold a token that is no longer good."""
        tab = self.tabs.get(self.browser.here)
        if tab is None or self.is_making:
            return
        form = tab.page.form("Log out")
        self.browser.logged_in = False
        self.tabs.clear()
        left = await self.browser.open(tab, "log out", form.action, method="POST", data=form.fields)
        if left is not None:
            await self._log_in()

    async def _log_in(self) -> None:
        answer = await self.browser.open(Tab(NOWHERE), "log in", "/auth/login/")
        if answer is None:
            return
        form = next(form for form in Page(answer.text).forms if "password" in form.fields)
        who = "login" if "login" in form.fields else "username"
        data = form.fields | {who: f"{self.name}@example.org", "password": PASSWORD}
        here = Tab(self.browser.here)
        address = form.action or answer.url.path
        done = await self.browser.open(here, "log in", address, method="POST", data=data, check=self.is_greeted)
        self.browser.logged_in = done is not None

    async def keep_tab(self) -> None:
        """Open a page that stays open from now on."""
        answer = await self.browser.open(Tab(NOWHERE), "open", "/", check=self.is_greeted)
        if answer is not None:
            here = self.browser.here
            self.tabs[here] = KeptTab(here, Page(answer.text))

    @property
    def is_making(self) -> bool:
        """Whether a choreography of theirs is in the making."""
        return self._making is not None and not self._making.done()

    async def live(self, stop: asyncio.Event) -> None:
        """Act in bursts with pauses, until told to stop; then wait for the choreography in the making."""
        while not stop.is_set():
            await self.burst()
            try:
                await asyncio.wait_for(stop.wait(), self.chance.uniform(*self.wishes.pause_s))
            except TimeoutError:
                continue
        if self._making:
            await self._making

    async def burst(self) -> None:
        """A few acts one after the other."""
        if not self.browser.logged_in:
            self.tabs.clear()
            await self._log_in()
        if self.browser.here not in self.tabs:
            await self.keep_tab()
        for _ in range(self.chance.randint(*self.wishes.acts)):
            await self.act()
            await asyncio.sleep(self.wishes.gap_s)

    async def act(self) -> None:
        """One act, in an old tab more often than not."""
        old = [tab for system, tab in self.tabs.items() if system != self.browser.here]
        if self.chance.random() < self.wishes.relogin_share:
            await self.log_in_again()
        elif old and self.chance.random() < self.wishes.old_share:
            await self.act_in(old[0])
        elif self.browser.here in self.tabs:
            await self.act_in(self.tabs[self.browser.here])

    async def act_in(self, tab: KeptTab) -> None:
        """Something that the tab's page offers."""
        acts = original_tab.ACTS if tab.system == "original" else backend_tab.ACTS
        names, weights = zip(*((act, weight) for act, weight in acts), strict=True)
        (chosen,) = self.chance.choices(names, weights)
        await chosen(self, tab)

    def make(self, song: str) -> None:
        """Start a choreography from the tab that was opened last, and follow it in the background."""
        if self.is_making or not self.tabs:
            return
        tab = self.chance.choice(list(self.tabs.values()))
        system = original_tab if tab.system == "original" else backend_tab
        self._making = asyncio.create_task(self._make(system.make, tab, song))

    async def _make(self, make: Callable[["Dancer", KeptTab, str], Awaitable[None]], tab: KeptTab, song: str) -> None:
        async with self.making:
            await make(self, tab, song)
