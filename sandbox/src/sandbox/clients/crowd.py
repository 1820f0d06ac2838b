"""All people at once, until told to stop."""

import asyncio
import itertools
import random
from collections.abc import Iterable

from sandbox.clients.acting import live, make
from sandbox.clients.browser import Browser
from sandbox.clients.diary import Diary
from sandbox.clients.lag import watch_lag
from sandbox.clients.person import Person
from sandbox.clients.resolver import Resolver
from sandbox.clients.settings import CrowdSettings

ARRIVE_AT_ONCE = 4  # a password's hash keeps a core busy


class Crowd:
    """The people, and what is asked of them from outside."""

    def __init__(self, settings: CrowdSettings, diary: Diary) -> None:
        self.settings = settings
        self.diary = diary
        self.stop = asyncio.Event()
        self.random = random.Random(settings.seed)  # noqa: S311 - a repeatable crowd
        making_slots = asyncio.Semaphore(settings.makers)
        self.people = [self._person(number, making_slots) for number in range(settings.people)]

    def _person(self, number: int, making_slots: asyncio.Semaphore) -> Person:
        name = f"dancer{self.settings.seed}x{number}"
        resolver = Resolver(self.settings.name_server, elapsed=self.random.random())
        browser = Browser(name, self.settings.url, resolver, self.settings.systems, self.diary)
        return Person(name, browser, self.settings, making_slots)

    async def arrive(self) -> None:
        """Let all people in, a few at a time."""
        door = asyncio.Semaphore(ARRIVE_AT_ONCE)

        async def arrive(person: Person) -> None:
            async with door:
                await person.arrive()

        await asyncio.gather(*map(arrive, self.people))

    async def live(self) -> None:
        """Let all people act until `stop` is set; return when what they began has ended."""
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(work) for work in (self._make_now_and_then(), watch_lag(self.settings, self.diary))
            ]
            await asyncio.gather(*(live(person, self.stop) for person in self.people))
            for helper in helpers:
                helper.cancel()
        for person in self.people:
            await person.browser.close()

    def make(self, songs: Iterable[str]) -> int:
        """Have a choreography made of each of these songs, by people who are free; return how many were begun."""
        if self.stop.is_set():
            return 0
        free = [person for person in self.people if person.tabs and not person.is_making]
        self.random.shuffle(free)
        begun = list(zip(free, songs, strict=False))
        for person, song in begun:
            make(person, song)
        return len(begun)

    async def _make_now_and_then(self) -> None:
        for song in itertools.cycle(self.settings.songs):
            await asyncio.sleep(self.settings.make_every_s)
            self.make([song])
