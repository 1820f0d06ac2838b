"""``bachateo library index`` and ``bachateo search``: finding moves by music and words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bachateo.cli.console import Difficulty, Energy, progress, progress_console, told
from bachateo.cli.library import starter_library
from bachateo.moves import Library
from bachateo.moves.index import MoveIndex, MoveQuery, SearchResult

if TYPE_CHECKING:
    from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex

Server = Annotated[str | None, typer.Option(help="Address of an Elasticsearch instead of the library's own index.")]
Key = Annotated[
    str | None,
    typer.Option(help="What that Elasticsearch knows you by.", envvar="ELASTICSEARCH_API_KEY", show_default=False),
]
TABLE_WIDTH = 110  # where the output is no terminal but a file, say


def index_command(
    folder: Annotated[Path, typer.Argument(help="Folder of a library.")],
    elasticsearch: Server = None,
    api_key: Key = None,
    anew: Annotated[bool, typer.Option("--anew", help="Make it even if it is there.")] = False,
) -> None:
    """Make the index of a library unless it is complete; with --elasticsearch add its moves there."""
    from bachateo.moves.index.building import index_library, send_library  # noqa: PLC0415

    with told(), progress("describing moves") as on_progress:
        if elasticsearch is None:
            indexed = index_library(folder, anew=anew, on_progress=on_progress)
        else:
            with _server(elasticsearch, api_key) as index:
                indexed = send_library(Library.load(folder), index, on_progress=on_progress)
    if not indexed.changed:
        progress_console.print("the index is complete; nothing was written")
    for missing, what in ((indexed.without_sound, "no sound"), (indexed.without_poses, "no poses")):
        if missing:
            progress_console.print(f"{missing} moves have {what}")
    typer.echo(f"{indexed.moves} moves in the index")


def search_command(
    library: Annotated[Path | None, typer.Option(help="Folder of a library; by default the starter library.")] = None,
    song: Annotated[Path | None, typer.Option(help="Music to dance to.")] = None,
    text: Annotated[str, typer.Option(help="What is wished for, in English words.")] = "",
    difficulty: Annotated[Difficulty | None, typer.Option(help="Only moves of this difficulty.")] = None,
    energy: Annotated[Energy | None, typer.Option(help="Only moves of this energy.")] = None,
    elasticsearch: Server = None,
    api_key: Key = None,
    limit: Annotated[int, typer.Option(help="Show so many.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: every hit with its document.")] = False,
) -> None:
    """Find moves that go with a song or a text, the best first."""
    from bachateo.moves.index.building import song_query  # noqa: PLC0415
    from bachateo.music.song import read_song  # noqa: PLC0415

    with told():
        sound = read_song(song) if song else None
        query = song_query(sound, text=text, difficulty=difficulty, energy_level=energy)
        with _opened(library, elasticsearch, api_key) as index:
            found = index.search(query)
            hits = found.hits[:limit]
            documents = index.get_many([hit.clip_id for hit in hits])
    for name in found.dropped_filters:
        progress_console.print(f"too few moves of this {name}: it was not asked for")
    if as_json:
        typer.echo(json.dumps(_as_json(found, documents)))
    else:
        _show(query, found, documents)


def reindex_command(
    elasticsearch: Annotated[str, typer.Option(help="Address of the Elasticsearch.")],
    api_key: Key = None,
    undo: Annotated[bool, typer.Option("--undo", help="Lead the alias back to the index before.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, it is only shown.")] = False,
) -> None:
    """Make the index in Elasticsearch anew with the contract's mapping, while people search."""
    from bachateo.moves.index import reindexing  # noqa: PLC0415 - its client takes a quarter of a second to load

    with told(), _server(elasticsearch, api_key) as index:
        turn = reindexing.plan_undoing(index) if undo else reindexing.plan_reindexing(index)
        typer.echo(f"{turn.name} means {turn.old}, {turn.moves} moves")
        for name in turn.differs:
            typer.echo(f"  {name} is mapped otherwise than docs/reference/search.md says")
        typer.echo(f"it will mean {turn.new}; what it means now stays as {turn.kept}")
        if not apply:
            typer.echo("nothing was changed; --apply does it")
            return
        if undo:
            moves = reindexing.undo(index, turn)
        else:
            with progress("bringing moves") as on_progress:
                moves = reindexing.reindex(index, turn, on_progress=on_progress)
    typer.echo(f"{turn.name} means {turn.new}, {moves} moves")


@contextmanager
def _opened(library: Path | None, elasticsearch: str | None, api_key: str | None) -> Iterator[MoveIndex]:
    from bachateo.moves.index.building import index_library  # noqa: PLC0415
    from bachateo.moves.index.local import LocalMoveIndex  # noqa: PLC0415

    if elasticsearch is not None:
        with _server(elasticsearch, api_key) as index:
            yield index
        return
    if library is None:
        library = starter_library()
        index_library(library)
    yield LocalMoveIndex.of_library(library)


@contextmanager
def _server(url: str, api_key: str | None) -> Iterator[ElasticsearchMoveIndex]:
    # The client takes a quarter of a second to load.
    from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex  # noqa: PLC0415

    index = ElasticsearchMoveIndex(url, api_key=api_key)
    try:
        yield index
    finally:
        index.close()


def _as_json(found: SearchResult, documents: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    hits = [
        {"clip_id": hit.clip_id, "score": hit.score, "parts": dict(hit.parts), "document": document}
        for hit, document in zip(found.hits, documents, strict=False)
    ]
    return {"found": len(found.hits), "dropped_filters": list(found.dropped_filters), "hits": hits}


def _show(query: MoveQuery, found: SearchResult, documents: Sequence[Mapping[str, Any] | None]) -> None:
    table = Table(title=f"{len(found.hits)} moves", title_justify="left")
    table.add_column("move", no_wrap=True)
    for name in ("difficulty", "energy"):
        table.add_column(name)
    for name in ("score", *query.vectors):
        table.add_column(name, justify="right")
    for hit, document in zip(found.hits, documents, strict=False):
        known = document or {}
        figures = (f"{value:.3f}" for value in (hit.score, *(hit.parts[name] for name in query.vectors)))
        table.add_row(hit.clip_id, known.get("difficulty", ""), known.get("energy_level", ""), *figures)
    console = Console()
    console.print(table, width=None if console.is_terminal else TABLE_WIDTH)
