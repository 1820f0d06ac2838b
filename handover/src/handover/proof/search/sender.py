"""Sends queries to each system, by the way that ``[search]`` describes."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from handover.config.config import from_environment
from handover.config.search import SearchCall, SharedSearch
from handover.config.templates import AbsentError, at, filled, filled_path
from handover.errors import ConfigurationError
from handover.http_client import http_client
from handover.probe.client import Probe
from handover.proof.addresses import base_urls
from handover.proof.search.queries import Query
from handover.proof.target import ProofTarget
from handover.side import Side

BATCH = 20
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class SearchAnswer:
    """The answer of a system: (id, score) pairs, the best first; or an error."""

    hits: tuple[tuple[str, float], ...] = ()
    error: str | None = None


SendQueries = Callable[[Sequence[Query]], list[SearchAnswer]]


@contextmanager
def query_sender(target: ProofTarget, search: SharedSearch, side: Side, agent: Probe) -> Iterator[SendQueries]:
    """Give a function that sends queries to one system.

    Parameters
    ----------
    target, search
        The pair, and how each system is asked.
    side, agent
        The system, and its agent.

    Raises
    ------
    ConfigurationError
        The system is asked over HTTP and has no address.
    ProbeError
        The system does not have what ``[search]`` names.
    """
    asked: SearchCall = getattr(search, side)
    with ExitStack() as stack:
        if asked.path is None:
            values = asked.model_dump(include={"call", "code", "arguments", "options", "hits", "id", "score"})
            agent.ask("search_with", **values)
            yield lambda queries: _of_agent(agent, queries)
            return
        address = base_urls(target.config).get(side)
        if address is None:
            message = f"[search.{side}] asks over HTTP, and the {side} has no address."
            raise ConfigurationError(f"{message} Add base_url to [{side}] in handover.toml.")
        headers = {name: _from_environment(side, value) for name, value in asked.headers.items()}
        client = stack.enter_context(http_client(base_url=address, headers=headers, timeout_s=TIMEOUT_S))
        names = dict.fromkeys([*search.filters, *search.vectors])
        yield lambda queries: [_over_http(client, asked, query, names) for query in queries]


def _of_agent(agent: Probe, queries: Sequence[Query]) -> list[SearchAnswer]:
    found: list[SearchAnswer] = []
    for start in range(0, len(queries), BATCH):
        batch = queries[start : start + BATCH]
        sent = [{"vectors": dict(query.vectors), "filters": dict(query.filters)} for query in batch]
        for answer in agent.ask("search", queries=sent):
            hits = tuple((str(name), float(score)) for name, score in answer.get("hits", ()))
            found.append(SearchAnswer(hits, answer.get("error")))
    return found


def _over_http(client: httpx.Client, asked: SearchCall, query: Query, names: dict[str, Any]) -> SearchAnswer:
    known = {**names, **query.vectors, **query.filters, "vectors": query.vectors}
    try:
        body = filled(asked.body, known)
        answer = client.request(asked.method, filled_path(asked.path or "/", known), json=body)
        answer.raise_for_status()
        values = answer.json()
        hits = at(values, asked.hits) if asked.hits else values
        return SearchAnswer(tuple((str(at(hit, asked.id)), float(at(hit, asked.score))) for hit in hits))
    except httpx.HTTPStatusError as error:
        return SearchAnswer(error=f"HTTP {error.response.status_code}")
    except (httpx.HTTPError, AbsentError, ValueError, TypeError) as error:
        return SearchAnswer(error=f"{type(error).__name__}: {error}")


def _from_environment(side: Side, text: str) -> str:
    purpose = f"a header of [search.{side}] in handover.toml"
    return re.sub(r"\$\{(\w+)\}", lambda match: from_environment(match[1], purpose), text)
