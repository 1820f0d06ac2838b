"""An adoption meets what is there: itself under the name of another schema, and a table that a session locks."""

import psycopg

from handover.cli.console import progress
from handover_testing.newcomer import CREATE_SONG, TASKS, own


def name_schema(it, schema: str) -> None:
    """Name the backend's schema in ``handover.toml``."""
    path = it.folder / "handover.toml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("schema = ")]
    path.write_text("\n".join(kept).replace("[backend]\n", f'[backend]\nschema = "{schema}"\n'))


def test_adopt__role_is_adopted_with_another_schema__is_refused_and_can_still_be_undone(it):
    it.write(tasks=TASKS, own=own(CREATE_SONG))
    with it.without_a_trace():
        it.apply()
        name_schema(it, "songs")
        for words in ((), ("--apply",)):
            done = it.adopt(*words)
            assert done.returncode == 3, done.stdout
            assert (
                f"HO031  {it.role} is adopted already, with the schema backend; [backend] schema is songs."
                in done.stderr
            )
        assert it.sql("SELECT to_regnamespace('songs')") == [(None,)]
        undo = it.adopt("--undo")
        assert undo.returncode == 3
        assert f"{it.role} is adopted with the schema backend: name that in [backend] schema." in undo.stderr
        name_schema(it, "backend")
        assert it.undo().returncode == 0


def test_adopt__table_is_locked_while_it_looks__says_which_session_it_waits_for(it):
    it.write(tasks=TASKS, own=own(CREATE_SONG))
    said: list[str] = []
    with psycopg.connect(it.database.url("owner"), application_name="a long job") as holder:
        holder.execute("LOCK TABLE tasks")

        def let_go(line: str) -> None:
            said.append(line)
            holder.rollback()

        it.patch.setattr(progress, "print", let_go)
        done = it.adopt()
    assert done.returncode == 0, done.stderr
    assert [line for line in said if line.startswith("it waits for pid ") and "a long job" in line]
