"""What a person does: opens pages in bursts, some of them in old tabs, and makes choreographies."""

import asyncio
from collections.abc import Awaitable, Callable

from sandbox.clients import backend_tab, original_tab
from sandbox.clients.person import KeptTab, Person

Make = Callable[[Person, KeptTab, str], Awaitable[None]]


async def live(person: Person, stop: asyncio.Event) -> None:
    """Act in bursts with pauses until ``stop`` is set; then wait for the choreography that is being made."""
    while not stop.is_set():
        await burst(person)
        try:
            await asyncio.wait_for(stop.wait(), person.random.uniform(*person.settings.pause_s))
        except TimeoutError:
            continue
    if person.making:
        await person.making


async def burst(person: Person) -> None:
    """Do a few acts, one after the other."""
    if not person.browser.logged_in:
        person.tabs.clear()
        await person.log_in()
    if person.browser.last_system not in person.tabs:
        await person.keep_tab()
    for _ in range(person.random.randint(*person.settings.acts)):
        await act(person)
        await asyncio.sleep(person.settings.gap_s)


async def act(person: Person) -> None:
    """Do one act, more often in an old tab than not."""
    current = person.browser.last_system
    old = [tab for system, tab in person.tabs.items() if system != current]
    if person.random.random() < person.settings.relogin_share:
        await person.log_in_again()
    elif old and person.random.random() < person.settings.old_share:
        await act_in(person, old[0])
    elif current in person.tabs:
        await act_in(person, person.tabs[current])


async def act_in(person: Person, tab: KeptTab) -> None:
    """Do something that the tab's page offers."""
    acts = original_tab.ACTS if tab.system == "original" else backend_tab.ACTS
    choices, weights = zip(*acts, strict=True)
    (chosen,) = person.random.choices(choices, weights)
    await chosen(person, tab)


def make(person: Person, song: str) -> None:
    """Start a choreography from one of the open tabs, and follow it in the background."""
    if person.is_making or not person.tabs:
        return
    tab = person.random.choice(list(person.tabs.values()))
    system = original_tab if tab.system == "original" else backend_tab
    person.making = asyncio.create_task(_make(person, system.make, tab, song))


async def _make(person: Person, make_in_tab: Make, tab: KeptTab, song: str) -> None:
    async with person.making_slots:
        await make_in_tab(person, tab, song)
