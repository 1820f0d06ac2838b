"""Everybody at once, until told to stop."""

import asyncio
import itertools
import random
from collections.abc import Iterable

from sandbox.clients.browser import Browser
from sandbox.clients.dancer import Dancer
from sandbox.clients.diary import Diary
from sandbox.clients.parity import watch_parity
from sandbox.clients.resolver import Resolver
from sandbox.clients.wishes import Wishes

ARRIVE_AT_ONCE = 4  # a password's hash keeps a core busy


class Crowd:
    """The people, and what is asked of them from outside."""

    def __init__(self, wishes: Wishes, diary: Diary) -> None:
        self.wishes = wishes
        self.diary = diary
        self.stop = asyncio.Event()
        self.chance = random.Random(wishes.seed)  # noqa: S311 - a repeatable crowd
        making = asyncio.Semaphore(wishes.makers)
        self.dancers = [self._dancer(number, making) for number in range(wishes.people)]

    def _dancer(self, number: int, making: asyncio.Semaphore) -> Dancer:
        name = f"dancer{self.wishes.seed}x{number}"
        resolver = Resolver(self.wishes.name_server, elapsed=self.chance.random())
        return Dancer(
            name, Browser(name, self.wishes.url, resolver, self.wishes.systems, self.diary), self.wishes, making
        )

    async def arrive(self) -> None:
        """Let everybody in, a few at a time."""
        door = asyncio.Semaphore(ARRIVE_AT_ONCE)

        async def arrive(dancer: Dancer) -> None:
            async with door:
                await dancer.arrive()

        await asyncio.gather(*map(arrive, self.dancers))

    async def live(self) -> None:
        """Let everybody dance until `stop` is set; return when what they began has ended."""
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(work) for work in (self._make_now_and_then(), watch_parity(self.wishes, self.diary))
            ]
            await asyncio.gather(*(dancer.live(self.stop) for dancer in self.dancers))
            for helper in helpers:
                helper.cancel()
        for dancer in self.dancers:
            await dancer.browser.close()

    def make(self, songs: Iterable[str]) -> int:
        """Have a choreography made of each of these songs, by people who are free; return how many were begun."""
        if self.stop.is_set():
            return 0
        free = [dancer for dancer in self.dancers if dancer.tabs and not dancer.is_making]
        self.chance.shuffle(free)
        begun = list(zip(free, songs, strict=False))
        for dancer, song in begun:
            dancer.make(song)
        return len(begun)

    async def _make_now_and_then(self) -> None:
        for song in itertools.cycle(self.wishes.songs):
            await asyncio.sleep(self.wishes.make_every_s)
            self.make([song])
