"""`--reviewed` compares what was typed with the whole plan as it is now, there and back."""

from handover_testing.newcomer import CREATE_SONG, TASKS, own


def shown(it, *words: str) -> str:
    """Return the beginning of the checksum that a plan was shown with."""
    done = it.adopt(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("add --reviewed ")[2].split()[0]


def refused(it, *words: str) -> None:
    done = it.adopt(*words)
    assert done.returncode == 3, done.stdout
    assert "HO038  plan " in done.stderr
    assert "Nothing was changed. Review every statement again: handover adopt" in done.stderr


def test_adopt__another_plan_was_reviewed__is_refused_and_the_same_is_done(it):
    it.write(tasks=TASKS, own=own(CREATE_SONG))
    checksum = shown(it)
    with it.without_a_trace():
        for wrong in ("*", checksum[:11], "0" * 64):
            refused(it, "--apply", "--reviewed", wrong)
        migration = it.folder / "backend/own/migrations/0001_step.py"
        text = migration.read_text()
        migration.write_text(text.replace("operations = [", 'operations = [migrations.RunSQL("SELECT 1"),'))
        refused(it, "--apply", "--reviewed", checksum)
        migration.write_text(text)
        done = it.adopt("--apply", "--reviewed", checksum)
        assert done.returncode == 0, done.stderr
        undo = shown(it, "--undo")
        refused(it, "--undo", "--apply", "--reviewed", checksum)
        again = it.adopt("--undo", "--apply", "--reviewed", undo, "--confirm", it.database.name)
        assert again.returncode == 0, again.stderr
