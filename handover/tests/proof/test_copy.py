"""The throw-away copy of a database that has what the role may not make."""

import psycopg
import pytest

from handover.config.config import load_config
from handover.proof.copy import DatabaseCopyError, copied


@pytest.fixture
def watched_server(pair):
    """A database with the extension that most monitoring needs, and one that its role may make."""
    pair.superuser("CREATE EXTENSION pg_stat_statements; CREATE EXTENSION citext")
    pair.superuser("COMMENT ON EXTENSION pg_stat_statements IS 'by the monitoring'")
    return load_config(pair.folder / "handover.toml"), pair.database.url("owner"), pair


def test_copied__extension_that_only_a_superuser_makes__goes_without_it_and_says_so(watched_server):
    config, url, _ = watched_server
    said: list[str] = []
    with psycopg.connect(url) as source, copied(config, url, said.append) as copy, psycopg.connect(copy) as there:
        rows = "SELECT count(*) FROM dance_videos"
        assert there.execute(rows).fetchone() == source.execute(rows).fetchone()
        names = [name for (name,) in there.execute("SELECT extname FROM pg_extension").fetchall()]
    assert sorted(names) == ["citext", "plpgsql"]
    why = 'permission denied to create extension "pg_stat_statements"'
    assert said[1:] == [f"the extension pg_stat_statements is not in the copy: {why}"]


def test_copied__view_needs_the_extension_that_is_left_out__is_refused_and_names_it(watched_server):
    config, url, pair = watched_server
    pair.superuser("CREATE VIEW busy AS SELECT query FROM pg_stat_statements; ALTER VIEW busy OWNER TO owner")
    with pytest.raises(DatabaseCopyError) as caught, copied(config, url, lambda _: None):
        pass
    assert 'relation "public.pg_stat_statements" does not exist' in str(caught.value)
    assert "the extension pg_stat_statements is not in the copy" in str(caught.value)


def test_copied__copy_of_a_run_that_was_killed__is_named_while_no_session_uses_it(pair):
    config, url, name = load_config(pair.folder / "handover.toml"), pair.database.url("owner"), pair.database.name
    left, said = f"handover_prove_left_by_{name}", list[str]()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {left} TEMPLATE template0")
        owner.execute(f"COMMENT ON DATABASE {left} IS 'throw-away copy of {name}, made by handover prove'")
        try:
            with copied(config, url, said.append):
                assert len(said) == 2
            with psycopg.connect(pair.database.server.url("owner", left)), copied(config, url, said.append):
                assert len(said) == 3
        finally:
            owner.execute(f"DROP DATABASE {left} WITH (FORCE)")
    assert said[0] == f"{left} is an older copy that no session uses, as of a run that was killed: DROP DATABASE {left}"
