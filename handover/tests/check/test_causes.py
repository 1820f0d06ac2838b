"""One cause is one finding, however many tables or migrations it touches."""

import pytest

from handover.check.merging import by_cause, merged
from handover.finding import Finding, SharedCause

TASK = "backend/apps/dance/models.py"


def told(done, part="findings"):
    return [(f["code"], f["place"], f["hurts"]) for f in done.json()[part]]


def one(done, code, part="findings"):
    (finding,) = [f for f in done.json()[part] if f["code"] == code]
    return finding


def test_check__no_migration_of_an_app_is_recorded__is_one_finding_an_app(pair):
    pair.superuser("DELETE FROM django_migrations WHERE app = 'auth'")
    finding = one(pair.check("--json"), "HO173")
    assert (finding["place"], finding["hurts"]) == ("auth", "both")
    assert finding["is"].startswith("has migrations that are not recorded as applied: 0001_initial, 0002_")
    assert finding["is"].count(", 00") == 11


TASKS = {"original": "original/dance/models.py", "backend": "backend/apps/dance/models.py"}


@pytest.mark.full
def test_check__one_migration_is_not_recorded__is_named(pair):
    pair.superuser("DELETE FROM django_migrations WHERE app = 'auth' AND name LIKE '0012%'")
    finding = one(pair.check("--json"), "HO173")
    assert finding["place"] == "auth.0012_alter_user_first_name_max_length"


@pytest.mark.full
def test_check__listener_to_every_model__is_one_finding(pair):
    hear = "\nfrom django.db.models.signals import post_save\npost_save.connect(print, {}weak=False)\n"
    path = pair.folder / TASK
    text = path.read_text()
    path.write_text(text + hear.format(""))
    done = pair.check("--json")
    assert told(done) == [("HO125", "every model", "both")]
    assert one(done, "HO125")["is"] == "is a listener to post_save (builtins.print) in the backend"
    path.write_text(text + hear.format("sender=Task, "))
    assert told(pair.check("--json")) == [("HO125", "dance_tasks", "both")]


def test_check__everybody_is_heard_on_both_sides__a_listener_to_one_model_is_still_seen(pair):
    heard = "\n\ndef heard(**what):\n    return {}\n\n\nmodels.signals.pre_save.connect(heard{}, weak=False)\n"
    texts = {side: (pair.folder / file).read_text() for side, file in TASKS.items()}
    for side, file in TASKS.items():
        (pair.folder / file).write_text(texts[side] + heard.format(1, ""))
    assert told(pair.check("--json")) == []
    path = pair.folder / TASKS["backend"]
    path.write_text(path.read_text() + heard.format(2, ", sender=Task"))
    assert told(pair.check("--json")) == [("HO125", "dance_tasks", "both")]
    path.write_text(texts["backend"] + heard.format(2, ""))
    assert told(pair.check("--json")) == [("HO125", "every model", "both")]


def test_check__long_choices__show_only_their_difference(pair):
    many = [(f"c{n}", f"C{n}") for n in range(200)]
    for side, values in (("original/dance", many), ("backend/apps/dance", [*many[1:], ("new", "New")])):
        path = f"{side}/models.py"
        text = (pair.folder / path).read_text()
        begin = text.index("choices=[('started'")
        end = text.index("]", begin) + 1
        pair.change(path, text[begin:end], f"choices={values}")
    finding = one(pair.check("--json"), "HO111")
    assert finding["is"] == "has other choices in the backend: it lacks 'c0', it adds 'new'"
    assert finding["expected"] == "the original has 200"


@pytest.mark.full
def test_check__schema_that_may_not_be_used__is_one_finding_and_its_grant_helps(pair):
    pair.superuser("REVOKE USAGE ON SCHEMA public FROM PUBLIC, drift_backend; GRANT USAGE ON SCHEMA public TO owner")
    pair.superuser("GRANT USAGE ON SCHEMA public TO drift_original")
    done = pair.check("--json")
    assert told(done) == [("HO191", "schema public", "backend")]
    finding = one(done, "HO191")
    assert finding["is"].startswith("may not be used by drift_backend: ")
    pair.superuser(finding["todo"])
    assert pair.check().returncode == 0


def test_check__database_without_rights__is_one_finding_and_its_grants_help(pair):
    pair.superuser("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM drift_backend, PUBLIC")
    done = pair.check("--json")
    assert told(done) == [("HO191", "schema public", "backend")]
    pair.superuser(one(done, "HO191")["todo"])
    assert pair.check().returncode == 0


def test_check__role_that_does_not_exist__is_one_finding(pair):
    for side in ("original", "backend"):
        path = pair.folder / side / "settings.py"
        path.write_text(path.read_text() + "\nDATABASES['default']['USER'] = 'nobody_has_it'\n")
    assert told(pair.check("--json")) == [("HO190", "role nobody_has_it", "both")]


@pytest.mark.full
def test_check__nothing_may_be_read__is_one_finding_and_its_grant_helps(pair):
    pair.superuser("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC")
    done = pair.check("--json", role="original_app")
    assert told(done, "unseen") == [("HO242", "schema public", "both")]
    pair.superuser(one(done, "HO242", "unseen")["todo"])
    assert pair.check(role="original_app").returncode == 0


@pytest.mark.full
def test_check__strangers_point_at_shared_tables__are_one_finding_for_both(pair):
    for number in range(3):
        pair.superuser(
            f"CREATE TABLE stranger_{number} (of varchar(36) REFERENCES dance_tasks, at int REFERENCES dancers)"
        )
    done = pair.check("--json")
    assert told(done) == [("HO019", "schema public", "both")]
    parts = one(done, "HO019")["is"].partition(": ")[2].split(", ")
    assert parts == [f"public.stranger_{n}.{column}" for n in range(3) for column in ("at", "of")]


def test_check__table_lost_its_foreign_keys__is_one_finding_for_both(pair):
    query = """DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT conname, conrelid::regclass t FROM pg_constraint
                  WHERE contype = 'f' AND conrelid = 'dancers_groups'::regclass
        LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname); END LOOP; END $$"""
    pair.superuser(query)
    done = pair.check("--json")
    assert told(done) == [("HO017", "dancers_groups", "both")]
    assert one(done, "HO017")["is"] == "lacks foreign keys: dancer_id → dancers, group_id → auth_group"


@pytest.mark.full
def test_check__app_that_only_the_backend_has__is_one_finding_of_tables_and_one_of_migrations(pair):
    page = "\n\nclass Wiki{0}(models.Model):\n    class Meta:\n        db_table = 'wiki_{0}'\n"
    models = "".join(page.format(n) for n in range(9))
    path = pair.folder / TASK
    path.write_text(path.read_text() + models)
    done = pair.check("--json")
    assert told(done) == [("HO010", "app dance", "backend")]
    assert one(done, "HO010")["is"].endswith(", ".join(f"wiki_{n}" for n in range(9)))


PAGE = "\n\nclass Page(models.Model):\n    class Meta:\n        db_table = 'pages'\n"
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [('dance', '0001_initial')]
    key = models.BigAutoField(primary_key=True)
    operations = [migrations.CreateModel('page', [('id', key)], {'db_table': 'pages'})]
"""


def test_check__own_table_before_the_adoption__says_adopt_and_after_it_the_migration(pair):
    path = pair.folder / TASK
    path.write_text(path.read_text() + PAGE)
    (pair.folder / "backend/apps/dance/migrations/0002_page.py").write_text(MIGRATION)
    pair.change("handover.toml", 'schema = "public"', 'schema = "backend"')
    assert one(pair.check("--json"), "HO010")["todo"].startswith("handover adopt shows how")
    pair.superuser("CREATE SCHEMA backend")
    said = "Run the migrations of the backend: dance.0002_page makes it."
    assert one(pair.check("--json"), "HO010")["todo"] == said


def test_check__role_of_the_backend_is_made_by_the_adoption__is_not_adopted_and_nothing_else(pair):
    path = pair.folder / TASK
    path.write_text(path.read_text() + PAGE)
    settings = pair.folder / "backend/settings.py"
    settings.write_text(settings.read_text() + "\nDATABASES['default']['USER'] = 'comes_later'\n")
    pair.change("handover.toml", 'schema = "public"', 'schema = "backend"')
    assert told(pair.check("--json")) == [("HO100", "schema backend", "backend")]


def test_merged__parts_of_one_cause__keep_what_mends_each_and_another_severity_apart():
    def finding(number, severity="breaking"):
        cause = SharedCause(where="all", found="are ill", expected="they die", part=str(number))
        return Finding(
            code="HO999",
            where=f"t{number}",
            found="is ill",
            expected="it dies",
            todo=f"cure {number}",
            severity=severity,
            cause=cause,
        )

    worse, alone = by_cause(merged([finding(2), finding(1), finding(3, "risky")]))
    assert (worse.where, worse.what, worse.todo) == ("all", "are ill: 1, 2; they die.", "cure 1\ncure 2")
    assert (alone.where, alone.what) == ("t3", "is ill; it dies.")
