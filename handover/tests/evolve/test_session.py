"""The sessions of an evolution: what is set for their role does not hold for them."""

from psycopg import sql

from handover.evolve.session import open_session

# What an administrator sets for the owner of the tables, and what a session of an evolution has.
SETTINGS = {
    "statement_timeout": ("1min", "0"),
    "idle_in_transaction_session_timeout": ("1min", "0"),
    "idle_session_timeout": ("1min", "0"),
    "lock_timeout": ("1min", "7ms"),
    "default_transaction_isolation": ("serializable", "read committed"),
    "DateStyle": ("SQL, DMY", "ISO, DMY"),
    "IntervalStyle": ("iso_8601", "postgres"),
    "standard_conforming_strings": ("off", "on"),
    "transform_null_equals": ("on", "off"),
    "quote_all_identifiers": ("on", "off"),
    "extra_float_digits": ("-3", "1"),
    "bytea_output": ("escape", "hex"),
}


def test_session__other_settings_of_its_role__do_not_hold(one):
    place = sql.SQL("ALTER ROLE CURRENT_USER IN DATABASE {} SET {} = {}")
    for name, (value, _) in SETTINGS.items():
        one.session.execute(place.format(sql.Identifier(one.database.name), sql.Identifier(name), value))
    with open_session(one.config, lock_timeout_ms=7) as session:
        found = {name: session.execute("SELECT current_setting(%s)", [name]).fetchone()[0] for name in SETTINGS}
        assert session.execute("SELECT now() < 'infinity'::timestamptz, now()").fetchone()[0]
    assert found == {name: expected for name, (_, expected) in SETTINGS.items()}
