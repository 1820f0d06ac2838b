"""Alerts fire when they should and only then, by Prometheus' own tool; Alertmanager understands who hears of them."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox import house

PLACE = house.ROOT / "deploy" / "monitoring"
NIGHT = house.ROOT / "docs" / "examples" / "prometheus" / "alerts.yml"
promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool: script/bootstrap --full installs it")
amtool = pytest.mark.skipif(not shutil.which("amtool"), reason="no amtool: script/bootstrap --full installs it")


def run(*command: object) -> tuple[int, str]:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def alerts(rules: Path) -> set[str]:
    return {rule["alert"] for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"]}


def tried(tests: Path) -> tuple[set[str], set[str]]:
    """Return the alerts that the tests see firing, and those that they see silent."""
    asked = [one for test in yaml.safe_load(tests.read_text())["tests"] for one in test["alert_rule_test"]]
    fires = {one["alertname"] for one in asked if one.get("exp_alerts")}
    return fires, {one["alertname"] for one in asked if not one.get("exp_alerts")}


def test_alerts__each__is_tried():
    fires, silent = tried(PLACE / "alerts.test.yml")
    assert fires == silent == alerts(PLACE / "alerts.yml")
    assert tried(PLACE / "night.test.yml")[0] == alerts(NIGHT)


def placed(tmp_path: Path, rules: str = "") -> Path:
    """Put both files of rules, and their tests, where a test may change them."""
    for name in ("alerts.test.yml", "prometheus.yml"):
        shutil.copy(PLACE / name, tmp_path / name)
    (tmp_path / "alerts.yml").write_text(rules or (PLACE / "alerts.yml").read_text())
    shutil.copy(NIGHT, tmp_path / "night.yml")
    (tmp_path / "night.test.yml").write_text(
        (PLACE / "night.test.yml").read_text().replace("../../docs/examples/prometheus/alerts.yml", "night.yml")
    )
    return tmp_path


@promtool
def test_alerts__by_their_tests__fire_when_they_should_and_only_then(tmp_path):
    folder = placed(tmp_path)
    status, said = run("promtool", "test", "rules", folder / "alerts.test.yml", folder / "night.test.yml")
    assert status == 0, said
    status, said = run("promtool", "check", "config", folder / "prometheus.yml")
    assert status == 0, said


@promtool
@pytest.mark.parametrize(
    ("rule", "changed"),
    [("> 600", "> 6000"), ("min(compas_database_up) == 0", "min(compas_database_up) == 1"), ("for: 10m", "for: 1h")],
)
def test_alerts__a_rule_that_was_changed__fails_its_test(tmp_path, rule, changed):
    text = (PLACE / "alerts.yml").read_text()
    assert rule in text
    status, said = run("promtool", "test", "rules", placed(tmp_path, text.replace(rule, changed)) / "alerts.test.yml")
    assert (status, "FAILED" in said) == (1, True), said


@amtool
def test_receivers__by_alertmanager_itself__are_understood(tmp_path):
    status, said = run("amtool", "check-config", PLACE / "alertmanager.yml")
    assert status == 0, said
    planted = tmp_path / "planted.yml"
    planted.write_text((PLACE / "alertmanager.yml").read_text().replace("receiver: page", "receiver: no-such"))
    assert run("amtool", "check-config", planted)[0] == 1


@amtool
@pytest.mark.parametrize(("severity", "receiver"), [("page", "page"), ("ticket", "ticket")])
def test_receivers__an_alert__reaches_who_should_hear_of_it(severity, receiver):
    config = PLACE / "alertmanager.yml"
    status, said = run("amtool", "config", "routes", "test", f"--config.file={config}", f"severity={severity}")
    assert (status, said.splitlines()[0]) == (0, receiver), said


def test_alerts__each_severity__has_a_route():
    severities = {
        rule["labels"]["severity"]
        for path in (PLACE / "alerts.yml", NIGHT)
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    }
    assert severities == {"page", "ticket"}
