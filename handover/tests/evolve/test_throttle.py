"""What makes a backfill slower: standbys that are behind, users who wait, reads that take longer."""

import psycopg
import pytest

from handover.config.evolve import LatencyProbe
from handover.errors import HandoverError, Refused
from handover.evolve.pace import FEWEST_ROWS, FIRST_ROWS, LONGEST_REST_S, MOST_ROWS, WIDEST_RANGE, Pace
from handover.evolve.throttle import StandbyLag, Throttle
from handover_testing.streaming import StreamingStandby

WRITTEN = "SELECT (pg_current_wal_lsn() - '0/0')::bigint"
REPLAYED = "SELECT (replay_lsn - '0/0')::bigint FROM pg_stat_replication WHERE application_name = 'standby_1'"
WRITE = "SELECT pg_logical_emit_message(true, 'test', repeat('x', 1000))"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(postgres):
    with postgres.connect() as connection:
        connection.execute("SET synchronous_commit = on")  # what is written is then also sent
        yield connection


def reach(standby, session, position: int) -> None:
    """Let the standby reach a position, and wait until the server knows."""
    standby.reached(position)
    while session.execute(REPLAYED).fetchone() != (position,):
        pass


def written(session) -> int:
    session.execute(WRITE)
    return session.execute(WRITTEN).fetchone()[0]


def test_standby_lag__no_standby__is_zero(session, clock):
    assert StandbyLag(clock).worst(session) == (0.0, "")


def test_standby_lag__standby_stands_still__grows_with_the_clock_and_ends_when_it_comes_after(postgres, session, clock):
    lag = StandbyLag(clock)
    with StreamingStandby(postgres) as standby:
        reach(standby, session, written(session))
        assert lag.worst(session) == (0.0, "standby_1")
        written(session)
        clock.now = 1
        assert lag.worst(session)[0] == 0
        clock.now = 4
        written(session)
        assert lag.worst(session) == (3.0, "standby_1")
        clock.now = 9
        assert lag.worst(session) == (8.0, "standby_1")
        reach(standby, session, written(session))
        assert lag.worst(session) == (0.0, "standby_1")


def test_throttle__standby_is_behind__holds_until_it_came_after(postgres, session, clock):
    throttle = Throttle(replication_lag_s=5, clock=clock)
    with StreamingStandby(postgres) as standby:
        reach(standby, session, written(session))
        assert throttle.look(session) is None
        written(session)
        clock.now = 1
        assert throttle.look(session) is None
        clock.now = 7
        strain = throttle.look(session)
        assert (strain.reason, strain.hold) == ("standby standby_1 is 6.0 s behind, the limit is 5 s", True)
        assert throttle.look(session, waiting=3) is strain
        reach(standby, session, written(session))
        clock.now = 8
        assert throttle.look(session) is None


def test_throttle__role_may_not_see_standbys__refuses(postgres):
    url = postgres.url("original_app", "postgres")
    refused = pytest.raises(Refused, match=r"HO682 .*GRANT pg_read_all_stats TO original_app")
    with StreamingStandby(postgres), psycopg.connect(url) as session, refused:
        Throttle(replication_lag_s=5).look(session)


def test_plan__declared_read_fails__is_refused_before_anything_starts(evolving, monkeypatch):
    wrong = "[evolve.latency]\nsql = 'SELECT FROM no_table'\nlimit_ms = 5"
    uuid = {"kind": "change_type", "table": "t", "column": "a", "type": "uuid", "up": "$1::uuid", "down": "$1::text"}
    with evolving("unmeasurable", wrong) as one:
        monkeypatch.setenv("HANDOVER_DATABASE_URL", one.database.url("owner"))
        one.execute("CREATE TABLE t (id int PRIMARY KEY, a varchar(36))")
        with pytest.raises(HandoverError, match="HO683"):
            one.plan(uuid)


def test_throttle__users_waited_for_rows__says_so_at_once(session, clock):
    throttle = Throttle(replication_lag_s=5, clock=clock)
    assert throttle.look(session, waiting=2).reason == "2 sessions waited for its rows"
    assert throttle.look(session) is None


def test_throttle__declared_read_is_slow__says_so(session):
    throttle = Throttle(replication_lag_s=5, latency=LatencyProbe(sql="SELECT pg_sleep(0.02)", limit_ms=5))
    strain = throttle.look(session)
    assert strain.reason.startswith("the declared read took ")
    assert not strain.hold


def test_throttle__declared_read_hangs__is_cut_off(session):
    throttle = Throttle(replication_lag_s=5, latency=LatencyProbe(sql="SELECT pg_sleep(60)", limit_ms=2))
    assert "the limit is 2 ms" in throttle.look(session).reason


def test_throttle__declared_read_is_fast__is_no_strain(session):
    throttle = Throttle(replication_lag_s=5, latency=LatencyProbe(sql="SELECT 'a%'", limit_ms=60_000))
    assert throttle.look(session) is None


@pytest.mark.parametrize("sql", ["SELECT FROM no_table", "CREATE TABLE made_by_a_read (n int)"])
def test_throttle__declared_read_fails_or_writes__is_told(session, sql):
    throttle = Throttle(replication_lag_s=5, latency=LatencyProbe(sql=sql, limit_ms=5000))
    with pytest.raises(HandoverError, match=r"HO683  the read of \[evolve.latency\] fails"):
        throttle.look(session)
    assert session.execute("SELECT to_regclass('made_by_a_read')").fetchone() == (None,)


def test_pace__batches_take_less_than_the_target__grow_to_the_most():
    pace = Pace(0.04)
    for _ in range(20):
        pace.adapt(took_s=0.001, full=True)
    assert pace.rows == MOST_ROWS


def test_pace__batch_took_too_long__shrinks_at_once():
    pace = Pace(0.04, rows=2000)
    pace.adapt(took_s=0.4, full=True)
    assert pace.rows == 1000


def test_pace__ranges_without_rows_to_fill__get_wider_and_batches_do_not():
    pace = Pace(0.04)
    for _ in range(20):
        pace.adapt(took_s=0.001, full=False)
    assert pace.rows == FIRST_ROWS
    assert pace.reach == WIDEST_RANGE


def test_pace__users_feel_it__halves_and_rests_then_recovers():
    pace = Pace(0.04, rows=1000)
    for _ in range(10):
        pace.slow_down()
    assert (pace.rows, pace.rest_s) == (FEWEST_ROWS, LONGEST_REST_S)
    for _ in range(10):
        pace.recover()
    assert pace.rest_s == 0
