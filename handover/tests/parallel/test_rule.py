# ruff: noqa: E501 - a case is read best on one line

import pytest

from handover.parallel.rule import MetricRule, percentile, rules
from handover.parallel.sample import measured, unmeasured
from handover_testing.sections import section

LATENCY = MetricRule("backend", "latency_p95_ms", "request_ms", "p95", 100, minimum=2, requests=True)
ERRORS = MetricRule("backend", "error_rate", "request_ms", "share of failures", 0.1, minimum=2, requests=True)
QUEUE = MetricRule("both", "queue", "queue", "most", 5)
DIFFERENT = MetricRule("both", "parity_differences", "parity_different", "sum", 0, 0)
LAG = MetricRule("both", "parity_lag_p95_s", "parity_lag_s", "p95", 3, idle="parity_rows")
ACCESS = MetricRule("backend", "access_error_rate", "access", "share of the sum", 0.1, minimum=10, beside="access_own")


def request(ms, **more):
    return measured("backend", "request_ms", ms, **more)


LOST = unmeasured("backend", "request_ms", "health did not answer: refused")
OWN_LOG = measured("backend", "access_own", 90)
GOOD_LOG, BAD_LOG = measured("backend", "access", 8), measured("backend", "access", 2, ok=False, reason="2 were 5xx")


@pytest.mark.parametrize(
    ("rule", "samples", "verdict", "reason"),
    [
        (LATENCY, [request(10), request(20)], "green", "20 of 2, at most 100"),
        (LATENCY, [request(10), request(200)], "red", "200 of 2, at most 100"),
        (LATENCY, [request(200)], "not enough traffic", "1, at least 2 are needed"),
        (LATENCY, [], "no data", "nothing measured request_ms"),
        (LATENCY, [LOST, LOST], "no data", "none of 2 requests was answered"),
        (ERRORS, [LOST, LOST], "red", "100 % of 2, at most 10 %; the last: health did not answer: refused"),
        (ERRORS, [request(1)] * 20 + [request(1, ok=False, reason="503")], "green", "4.76 % of 21, at most 10 %; the last: 503"),
        (ERRORS, [measured("original", "request_ms", 1)] * 9, "no data", "nothing measured request_ms"),
        (QUEUE, [measured("both", "queue", 5)], "green", "5, at most 5"),
        (QUEUE, [measured("both", "queue", 6), measured("both", "queue", 1)], "red", "6, at most 5"),
        (QUEUE, [measured("both", "queue", 1), unmeasured("both", "queue", "away")], "no data", "1 of 2 samples could not be measured: away"),
        (QUEUE, [measured("both", "queue", 9), unmeasured("both", "queue", "away")], "red", "9, at most 5; the last: away"),
        (LAG, [], "no data", "nothing measured parity_lag_s"),
        (LAG, [measured("both", "parity_rows", 3)], "not enough traffic", "0, at least 1 are needed"),
        (LAG, [unmeasured("both", "parity_rows", "away")], "no data", "nothing measured parity_lag_s"),
        (LAG, [measured("both", "parity_rows", 3), measured("both", "parity_lag_s", 4)], "red", "4 of 1, at most 3"),
        (DIFFERENT, [measured("both", "parity_different", 0)], "green", "0, at most 0"),
        (DIFFERENT, [measured("both", "parity_different", 1)], "red", "1, at most 0"),
        (ACCESS, [GOOD_LOG], "not enough traffic", "8, at least 10 are needed"),
        (ACCESS, [GOOD_LOG] * 3, "green", "0 % of 24, at most 10 %"),
        (ACCESS, [measured("backend", "access", 0), OWN_LOG], "green", "0 % of 90, at most 10 %"),
        (ACCESS, [GOOD_LOG, BAD_LOG, OWN_LOG], "red", "20 % of 10, at most 10 %; the last: 2 were 5xx"),
        (ACCESS, [GOOD_LOG, BAD_LOG], "red", "20 % of 10, at most 10 %; the last: 2 were 5xx"),
    ],
)  # fmt: skip
def test_judge__samples_of_a_window__give_verdict_and_reason(rule, samples, verdict, reason):
    judged = rule.judge(samples)
    assert (judged.verdict, judged.reason) == (verdict, reason)


def test_rules__whatever_is_declared__no_rule_is_green_without_samples(watched):
    values = {
        "files": ["dance_videos.path"],
        "progress": [{"column": "dance_tasks.progress"}],
        "measures": [{"name": "queue", "sql": "SELECT 1", "limit": 1}],
        "invariants": [{"name": "mine", "sql": "SELECT 0", "because": "it is wrong"}],
        "tasks": {"table": "dance_tasks", "open": ["started"], "done": ["completed"]},
        "logs": {"original": {"path": "access.log"}},
    }
    watched.declare(section(min_tasks=0, **values))
    found = rules(watched.config)
    assert {rule.judge([]).verdict for rule in found} == {"no data"}
    assert len({(rule.system, rule.metric) for rule in found}) == len(found) == 31


def test_percentile__nearest_rank__is_a_value_that_was_measured():
    assert percentile([5.0, 1.0, 3.0], 50) == 3.0
    assert percentile([1.0], 95) == 1.0
    assert percentile([float(n) for n in range(1, 101)], 95) == 95.0
