"""The page about evolutions says what the code says."""

from pathlib import Path

from handover.config.config import load_config
from handover.config.evolve import EVOLVE_GATES, EvolveSettings, LatencyProbe
from handover.evolve.evolution import Evolution, evolutions
from handover.evolve.operations.operation import EvolveOperation
from handover.evolve.states_page import evolve_states_tables

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/evolve.md").read_text()


def test_page__has_the_tables_of_states_as_they_are():
    assert evolve_states_tables() in PAGE


def test_page__every_key_of_every_kind__is_there():
    for kind in EvolveOperation.__subclasses__():
        (name,) = kind.model_fields["kind"].annotation.__args__
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
        keys = kind.model_fields.keys() - {"kind", "table"}
        assert [key for key in keys if f"`{key}`" not in row] == [], name


def test_page__every_setting_and_gate__is_there_with_its_default():
    settings = EvolveSettings.model_fields.keys() - {"latency"} | {
        f"latency.{key}" for key in LatencyProbe.model_fields
    }
    for name in (*settings, *EVOLVE_GATES, *(Evolution.model_fields.keys() - {"name", "operations"})):
        assert f"`{name}`" in PAGE, name
    defaults = EvolveSettings()
    for name in (
        "lock_timeout_ms",
        "attempts",
        "batch_ms",
        "recycle_s",
        "replication_lag_s",
        "stable_h",
        "stable_share",
    ):
        row = next(line for line in PAGE.splitlines() if line.startswith("| `") and f"`{name}`" in line)
        assert f"{getattr(defaults, name):g}" in row.split("|")[2], name


def test_howto__its_settings__are_valid(tmp_path):
    text = (ROOT / "docs/howto/evolve.md").read_text()
    declared, settings = (part.partition("```")[0] for part in text.split("```toml\n")[1:])
    pair = '[backend]\npath = "b"\npython = ["p"]\nsettings = "s"\n'
    models = '[[models]]\noriginal = "o"\nbackend = "b"\ntable = "t"\n'
    (tmp_path / "handover.toml").write_text(pair + models + settings)
    config = load_config(tmp_path / "handover.toml")
    assert config.evolve.carrying_roles == ("shop_v2",)
    (tmp_path / "evolution").mkdir()
    (tmp_path / "evolution/0001_phase_2.toml").write_text(declared)
    assert len(evolutions(config)[0].operations) == 2
