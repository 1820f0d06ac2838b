"""The verdict as a tired person reads it: the answer first, what to do in which order, and all of it on one screen."""

# ruff: noqa: E501 - models are changed line by line

import pytest

from handover.check.contract import Accepted, Contract, JudgedFindings, load, save
from handover.check.lines import SCREEN, WIDTH, head, height, short, shortened, whole
from handover.check.run import CheckResult
from handover.check.steps import steps
from handover.check.table import _first_lines, _table
from handover.check.verdict import Verdict
from handover.config.config import load_config
from handover.finding import Finding
from handover.rules import RULES
from handover.schema.catalog import Catalog
from handover.schema.models import Description
from handover.schema.subject import DescribedSystem, Subject

MODELS = "backend/apps/dance/models.py"
# As of a backend that was written anew: nearly every fact of the models is another one.
REWRITTEN = {
    "max_length=36, primary_key=True": "max_length=40, primary_key=True",
    "related_name='tasks'": "related_name='task_set'",
    "related_name='videos'": "related_name='video_set'",
    "default='started', db_index=True": "default='running'",
    "('started', 'Started'), ": "",
    "progress = models.IntegerField(default=0)": "progress = models.BigIntegerField(default=1, validators=[MinValueValidator(0)])",
    "result = models.JSONField(null=True, blank=True)": "result = models.TextField()",
    "error = models.TextField(null=True, blank=True)": "error = models.CharField(max_length=500, blank=True)",
    "auto_now_add=True, db_index=True": "default=timezone.now",
    "ordering = ['-created_at']": "ordering = ['created_at']",
    "indexes = [": "indexes = [models.Index(fields=['progress'], name='by_progress'), ",
    "default=uuid.uuid4": "default=uuid.uuid1",
    "title = models.CharField(max_length=200)": "title = models.CharField(max_length=100, unique=True)",
    "'videos/%Y/%m/', max_length=500": "'films/', max_length=100",
    "('hard', 'Hard')": "('mean', 'Mean')",
    "duration = models.FloatField()": "length = models.DecimalField(max_digits=9, decimal_places=2, null=True, db_column='duration')",
    "max_length=200, blank=True": "max_length=150",
    "is_teacher = models.BooleanField(default=False)": "teaches = models.BooleanField(default=True, db_column='is_teacher')",
    "default=dict, blank=True": "null=True",
}
SETTINGS = """
DATABASES["default"]["OPTIONS"] = {"options": "-c search_path=backend,public"}
SESSION_COOKIE_NAME = "sid"
SESSION_COOKIE_AGE = 60
SECRET_KEY = "another key"
TIME_ZONE = "Europe/Madrid"
CSRF_COOKIE_NAME = "token"
ALLOWED_HOSTS = []
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
SESSION_SERIALIZER = "somewhere.Pickle"
"""
LIVE = """
DELETE FROM django_migrations WHERE app = 'sessions';
ALTER TABLE dance_videos ALTER title TYPE text;
ALTER TABLE dance_tasks ALTER error SET DEFAULT '';
CREATE TABLE badges (dancer int REFERENCES dancers);
CREATE UNIQUE INDEX one_a_day ON dance_videos (user_id, title);
ALTER TABLE dancers ADD CONSTRAINT short CHECK (length(display_name) < 300);
ALTER TABLE dance_videos SET UNLOGGED;
UPDATE dance_videos SET duration = 'NaN';
"""


@pytest.fixture
def rewritten(pair):
    """A pair like the strategy's: not adopted, and with dozens of true findings."""
    for old, new in REWRITTEN.items():
        pair.change(MODELS, old, new)
    path = pair.folder / "backend/settings.py"
    path.write_text(path.read_text() + SETTINGS)
    pair.change("handover.toml", 'schema = "public"', 'schema = "backend"')
    pair.superuser(LIVE)
    return pair


def test_check__dozens_of_findings__fit_on_one_screen_and_the_first_ten_lines_say_what_to_do(rewritten):
    seen = rewritten.check("--json").json()
    assert len(seen["findings"]) >= 48
    printed = rewritten.check().stdout.splitlines()
    assert height(printed, WIDTH) <= SCREEN
    assert height(printed[:10]) == 10
    assert printed[0].startswith("❌ No, the backend may not run beside the original yet: ")
    assert printed[1] == "Do this first, in this order:"
    risky = [finding for finding in seen["findings"] if finding["severity"] == "risky"]
    done = [line.partition(". ")[2].partition(":")[0] for line in printed[2:10] if line]
    assert done == [
        "Bring the migrations of the original in order",
        "Mend the database, or the wrong models",
        "Write the backend's models as the original's",
        "Give both systems the same settings",
        "Adopt the backend (handover adopt)",
        "Correct the rows",
        f"Mend or accept {len(risky) - 2} risky findings",  # without the adoption and the migration, steps of their own
    ]
    for finding in seen["findings"]:
        if finding["severity"] == "breaking":
            assert finding["code"] in "".join(printed)


@pytest.mark.parametrize(
    ("severity", "said"),
    [("safe", "⏳ HO130 safe for original: t.c is"), ("risky", "⏳ HO130 risky, hurts original: t.c is")],
)
def test_lines__safe_finding__is_not_said_to_hurt(severity, said):
    one = Finding(
        code="HO130", where="t.c", found="is new", expected="no", todo="", severity=severity, hurts="original"
    )
    assert head(one, "⏳").startswith(said)
    assert whole(one, "⏳")[0].startswith(said)


@pytest.mark.full
def test_check__all__shows_every_finding_whole(rewritten):
    seen = rewritten.check("--json").json()
    everything = rewritten.check("--all").stdout
    for finding in seen["findings"]:
        assert f"{finding['place']} {finding['is']}; {finding['expected']}." in everything
        assert finding["todo"].splitlines()[-1] in everything
    assert "Critical Compatibility Points" in everything


def test_check__clean_pair__says_yes_and_shows_the_points_only_when_asked(pair):
    brief, everything = pair.check().stdout, pair.check("--all").stdout
    for printed in (brief, everything):
        assert printed.startswith("✅ Yes, the backend may run beside the original, as far as the check can see.")
    assert "primary key" not in brief
    assert "✅ dance_tasks: primary key task_id (CharField(36))" in everything
    assert height(brief.splitlines()) < 12


def test_check__system_does_not_start__is_not_known_even_if_that_is_accepted(pair):
    pair.change("backend/settings.py", "USE_TZ = True", "USE_TZ = no_such_name")
    accepted = pair.handover("contract", "accept", "HO104", "settings", "--because", "It is being mended.")
    assert accepted.returncode == 0, accepted.stderr
    done = pair.check()
    assert done.returncode == 1
    assert done.stdout.startswith("❌ Not known: a system does not start, so nothing was compared.")
    assert "clean" not in done.stdout


@pytest.fixture
def subject(pair):
    """The facts of a pair that both systems described."""
    described = pair.stage.described(pair.folder, "original", pair.database.name)["describe"]
    sides = tuple(
        DescribedSystem(name, Description.model_validate(described), ("public",)) for name in ("original", "backend")
    )
    return Subject(load_config(pair.folder / "handover.toml"), Catalog(), sides)


def verdict(subject, *findings):
    """What is said of findings."""
    return Verdict(CheckResult(subject, findings, ()), JudgedFindings(findings, (), (), ()), 0.0)


def test_steps__history_then_tables_then_adoption_then_what_the_backend_needs(subject):
    def finding(code, severity="breaking", hurts="both"):
        return Finding(
            code=code, where=code.lower(), found="is", expected="should", todo="Do.", severity=severity, hurts=hurts
        )

    said = verdict(
        subject,
        finding("HO221"),
        finding("HO010", hurts="backend"),
        finding("HO100", "risky", "backend"),
        finding("HO191", hurts="backend"),
        finding("HO012"),
        finding("HO173", "risky", "original"),
        finding("HO173", "risky", "backend"),
        finding("HO240", "unseen"),
        finding("HO242", "unseen"),
        finding("HO120", "risky"),
    )
    assert [(step.words, step.codes) for step in steps(said)] == [
        ("Let the check read everything", ("HO242",)),
        ("Bring the migrations of the original in order", ("HO173",)),
        ("Mend the database, or the wrong models", ("HO012",)),
        ("Adopt the backend (handover adopt)", ("HO100",)),
        ("Make what the backend's models need", ("HO010", "HO173")),
        ("Give the roles what they need", ("HO191",)),
        ("Correct the rows", ("HO221",)),
        ("Look by hand, or accept", ("HO240",)),
        ("Mend or accept 1 risky finding", ("HO120",)),
    ]
    printed = list(_first_lines(said, WIDTH))
    assert height(printed) == 10
    assert printed[-1] == "8. Then: Look by hand, or accept; Mend or accept 1 risky finding"


def test_steps__every_rule__has_a_step_that_is_not_of_rows(subject):
    for code in RULES:
        (step,) = steps(verdict(subject, Finding(code=code, where="place", found="is", expected="should", todo="Do.")))
        assert step.words != "Correct the rows", code


def test_short__more_than_a_screen__names_the_worst_and_says_how_many_more():
    findings = [
        Finding(code=f"HO{n}", where=f"t{n}", found="is " + "long " * 90, expected="no", todo="Do.")
        for n in range(100, 160)
    ]
    lines = short(findings, lambda _: "❌", 20)
    assert height(lines) == len(lines) == 20
    assert lines[-1] == "… and 41 more findings: HO119, HO120, HO121, HO122, HO123, HO124, HO125, HO126 and 33 more"


def test_shortened__parts_that_are_long__are_as_many_as_fit():
    assert shortened(["x" * 60, "y" * 60, "z"]) == "x" * 60 + " and 2 more"


def test_table__long_names_of_models__are_cut_and_mark_table_and_rows_stay():
    rows = [("❌", "choreography_tasks", "a" * 90, "b" * 90, "1,234 of about 5,678"), ("✅", "t", "a", "b", "0")]
    heading, first, second = _table(rows, 80)
    assert max(height([line], 80) for line in (heading, first, second)) == 1
    assert first.startswith("❌  choreography_tasks  aaaa")
    assert first.endswith("1,234 of about 5,678")
    (_, whole, _) = _table(rows, None)
    assert "a" * 90 in whole


@pytest.mark.full
def test_check__contract_accepts_what_was_not_found__is_one_line(pair):
    for place in ("dance_tasks.progress", "dance_videos.duration", "dancers.email"):
        contract = load(pair.folder / "handover/contract.json")
        entry = Accepted(code="HO012", place=place, because="x")
        save(pair.folder / "handover/contract.json", Contract(accepted=(*contract.accepted, entry)))
    printed = pair.check().stdout
    assert "⏳ the contract accepts what was not found: HO012 dance_tasks.progress, " in printed
    assert printed.count("the contract accepts") == 1
    assert pair.check("--all").stdout.count("which was not found: take it out") == 3
