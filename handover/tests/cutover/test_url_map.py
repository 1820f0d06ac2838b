"""A switch by a URL map of Google Cloud, against a stand-in of its REST interface."""

import pytest

from handover.config.config import load_config
from handover.cutover.ways.load_balancer import LoadBalancerWay
from handover_testing.balanced import declared, watched
from handover_testing.crashes import go_on, run
from sandbox.providers.url_map import MATCHER, NAME, PROJECT, SERVICES, FakeUrlMap


@pytest.fixture
def url_map(story, tmp_path):
    with FakeUrlMap() as fake:
        (tmp_path / "token").write_text(fake.token)
        story.declare(declared("url-map", int(fake.url.rpartition(":")[2])))
        story.declare(
            f'[switch.url_map]\nproject = "{PROJECT}"\nname = "{NAME}"\nmatcher = "{MATCHER}"\n'
            f'original = "{SERVICES["original"]}"\nbackend = "{SERVICES["backend"]}"\n'
            f'token = ["cat", "{tmp_path}/token"]\napi = "{fake.url}/compute/v1"\n'
        )
        story.with_journal()
        run(story, "begin")
        watched(story)
        yield fake


def test_cutover__by_url_map__there_and_back_and_nothing_else_changes(story, url_map):
    before = url_map.kept
    run(story, "cutover")
    assert url_map.weights() == {"original": 0, "backend": 1000}
    run(story, "rollback")
    assert url_map.weights() == {"original": 1000, "backend": 0}
    assert (story.state(), story.status().people) == ("rolled_back", "original")
    for key in ("hostRules", "defaultService", "name"):
        assert url_map.kept[key] == before[key]


def test_cutover__map_is_changed_by_another_person_meanwhile__is_refused_and_resume_does_it(story, url_map):
    patch, read = url_map._patch, []

    def changed_before(sent):
        if not read:
            read.append(url_map.kept["fingerprint"])
            url_map.kept = {**url_map.kept, "fingerprint": "of-another-person"}
        return patch(sent)

    url_map._patch = changed_before
    ended = story.handover("cutover", "--apply", story.plan())
    assert "answers 412: Invalid fingerprint. Someone changed it meanwhile" in ended.stderr
    assert url_map.weights() == {"original": 1}
    assert go_on(story).state == "switched"


def test_cutover__rule_was_added_since_the_plan__applies_nothing(story, url_map):
    plan = story.plan()
    url_map.kept["pathMatchers"][0]["pathRules"].append({"paths": ["/new"], "service": url_map.service("backend")})
    assert "the balancers hold other systems by now" in story.refused("cutover", "--apply", plan)
    assert url_map.weights() == {"original": 1}


def test_plan__rules_with_routes_of_their_own__are_told(story, url_map):
    url_map.kept["pathMatchers"][0]["pathRules"].append({"paths": ["/new"], "service": url_map.service("backend")})
    shown = story.done("cutover", "plan").stdout
    assert "beware: 1 rules of the path matcher have routes of their own, which do not move" in shown
    assert "beware: Google Cloud spreads a change over its sites; that may take minutes" in shown


def test_status__token_is_refused__is_unknown_and_shows_no_token(story, url_map, tmp_path):
    (tmp_path / "token").write_text("an-old-token")
    shown = story.handover("status").stdout
    assert "People reach: unknown: a balancer does not say" in shown
    assert "answers 401: Request had invalid authentication credentials." in shown
    assert "an-old-token" not in shown


def test_send__weights__are_kept_by_the_rules_of_the_interface(story, url_map):
    balancer = LoadBalancerWay(load_config(story.file)).balancer
    for backend_pct in (0, 1, 50, 100):
        balancer.send(backend_pct, lambda _: None)
        assert [one.backend_pct for one in balancer.held()] == [backend_pct]
