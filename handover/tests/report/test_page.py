"""The report of a move that really happened."""

import re
import subprocess
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import pytest
from psycopg.conninfo import conninfo_to_dict

from handover.journal.entry import operator
from handover.journal.journal import opened
from handover.report.page import current_gates, page_facts, rendered
from handover.report.serve import serving
from handover_testing import browser
from handover_testing.night import FROM_OCTODNS, wait_for_windows, watched
from handover_testing.sections import section

pytestmark = pytest.mark.filterwarnings(FROM_OCTODNS)


class Page(HTMLParser):
    """What a page refers to, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.refers: list[str] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.refers += [value or "" for name, value in attrs if name in ("src", "href", "action", "data", "poster")]
        self.refers += [tag] if tag in ("script", "link", "iframe", "object", "embed", "img") else []

    def handle_data(self, data):
        self.text.append(data)


def written(story):
    file = story.pair.folder / "report.html"
    story.done("report", "--out", str(file))
    text = file.read_text()
    return text, " ".join(" ".join(Page(text).text).split())


def check_needs_nothing_and_holds_no_secret(text, password):
    """It needs nothing else, and holds no secret."""
    assert Page(text).refers == []
    assert re.findall(r"https?://(?!127\.0\.0\.1)", text) == []
    assert password not in text


def check_tells_where_the_move_is(said):
    """Where the move is, and what was overridden."""
    assert "People reach the original again" in said
    assert "State rolled_back since" in said
    assert "3 things were done although they were red" in said
    assert f"gate backup , overridden by {operator()}" in said
    assert "“a trial in a test & no data is lost”" in said


def check_words_are_text(text):
    """A reader's words are text, not markup."""
    assert "“I have seen &lt;b&gt;the&lt;/b&gt; rehearsal”" in text
    assert "<b>the</b>" not in text


def check_answers_each_reader(said):
    """Each reader's answer."""
    assert "May people be moved? Not yet. Gates 1 of 4 green Sign-offs 0 of 4 Way back took" in said
    assert "Is the data safe? No. Schema not judged Backup there is no evidence of kind backup" in said
    assert "Do both systems work?" in said
    assert "Same answers never compared" in said


def check_draws_both_systems(text):
    """Charts with both systems, the switch and the rollback, for those who cannot see them, too."""
    assert text.count("<svg ") == text.count('role="img"') == 4
    assert text.count("; switch drawn; rollback drawn") == 4
    assert text.count('<g class="original">') == text.count('<g class="backend">') == 3
    assert '<g class="both">' in text


def check_tells_gates_risks_and_time_line(said):
    """Gates, sign-offs, risks, time line."""
    assert "Overridden: a trial in a test" not in said  # that was then; these are the gates now
    assert "Database Administrator not signed" in said
    assert f"DevOps void the account {operator()} on " in said
    assert said.count(" unknown no gate ") >= 5
    for row in (
        "Schema mismatch",
        "Data corruption",
        "Breaking original app",
        "related_name",
        "Status value",
        "File path",
    ):
        assert row in said
    assert "OVERRIDDEN: gate signed" in said
    assert f"rollback: write the record {operator()} · 127.0.0.3 → 127.0.0.2" in said
    assert f"Rollback to the original {operator()} a fault was found" in said
    assert f"Decided by:** {operator()}" in said


def test_report__move_with_override_and_rollback__tells_all_of_it(moved, monkeypatch):
    text, said = written(moved)
    check_needs_nothing_and_holds_no_secret(text, conninfo_to_dict(moved.pair.database.url("owner"))["password"])
    check_tells_where_the_move_is(said)
    check_words_are_text(text)
    check_answers_each_reader(said)
    check_draws_both_systems(text)
    check_tells_gates_risks_and_time_line(said)
    # What was signed for the attempt that failed does not count for the next one.
    assert "It does not count: DevOps signed for attempt 1, and this is attempt 2: attempt 1 ended with the" in said
    moved.plan()
    moved.done("sign", "--as", "DevOps", "--because", "I have seen the incident's record")
    said = written(moved)[1]
    assert "Gates 1 of 4 green Sign-offs 1 of 4 Way back" in said
    assert f"DevOps signed the account {operator()} on " in said
    # What a signature was for has changed: it is void.
    moved.pair.superuser("ALTER TABLE dance_tasks ADD note text")
    said = written(moved)[1]
    assert f"DevOps void the account {operator()} on " in said
    assert "It does not count: the account " in said
    assert "but since then the schema changed" in said
    # After the switch the gates are told as they were when people were moved.
    moved.done("cutover", "--apply", moved.plan(), *OVERRIDES, "--because", "once more")
    said = written(moved)[1]
    assert "Where are we? People reach the backend, watched closely." in said
    assert "red overridden there is no evidence of kind backup Overridden: once more" in said
    assert "6 things were done although they were red" in said
    assert "Sign-offs 0 of 4" in said
    assert "It does not count: the account " in said
    # The database goes away: the copy of this machine tells the rest.
    url = moved.pair.database.url("owner")
    monkeypatch.setenv("HANDOVER_DATABASE_URL", url.replace(f":{urlsplit(url).port}/", ":1/"))
    with opened(moved.config) as journal:
        text = rendered(page_facts(moved.config, journal, current_gates(moved.config, journal)))
    said = " ".join(" ".join(Page(text).text).split())
    assert "The journal's database does not answer:" in said
    assert "People reach the backend, watched closely" in said
    assert "the windows are from the copy of this machine, .handover/watch.jsonl" in said
    assert "No gate was judged, so no gate is green." in said


OVERRIDES = [word for gate in ("the-watch", "backup", "signed") for word in ("--override", gate)]


def test_report__no_journal__is_refused(pair):
    done = pair.handover("report")
    assert done.returncode == 3
    assert "has no journal. Make one: handover init-journal --apply" in done.stderr


def test_report__nothing_watched_and_no_gate__says_so(story):
    story.file.write_text(re.sub(r"\[\[gates\]\]\n(.+\n)+", "", story.file.read_text()))
    story.done("init-journal", "--apply")
    said = written(story)[1]
    assert "Nothing was watched. Run: handover watch" in said
    assert "May people be moved? That is not known yet. Gates not judged" in said
    assert "HO549" in said
    assert re.search(r" 0 of \d+ are green", said)


def test_report__place_cannot_be_written__leaves_nothing(story):
    story.done("init-journal", "--apply")
    ended = story.handover("report", "--out", str(story.pair.folder / "no" / "report.html"))
    assert ended.returncode == 2
    assert "HO630" in ended.stderr
    assert "cannot be written: No such file or directory. Nothing was written. Name another: --out FILE" in ended.stderr


# --- live


@pytest.fixture
def live():
    count = iter(range(1000))
    with serving(lambda nonce: f"<p>page {next(count)} {nonce}</p>") as server:
        yield server


def test_serve__right_address__gives_the_page_and_a_policy(live):
    answer = httpx.get(live.url)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"nonce-([\w-]+)'", policy)[1]
    assert answer.text == f"<p>page 0 {nonce}</p>"
    assert "default-src 'none'" in policy
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert httpx.head(live.url).text == ""


@pytest.mark.parametrize("path", ["/", "/wrong/", "/{token}", "/{token}/more", "/%2e%2e/{token}/x", "/{token}x/"])
def test_serve__without_the_token__gives_nothing(live, path):
    answer = httpx.get(f"http://127.0.0.1:{live.server_port}{path.format(token=live.token)}")
    assert (answer.status_code, answer.text) == (404, "there is nothing here\n")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "evil.example:{port}", ""])
def test_serve__another_host_name__is_refused(live, host):
    answer = httpx.get(live.url, headers={"Host": host.format(port=live.server_port)})
    assert (answer.status_code, answer.text) == (403, "this page is for this machine alone\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_serve__method_that_writes__is_not_known(live, method):
    assert httpx.request(method, live.url).status_code == 501


def test_serve__other_addresses_of_this_machine__are_not_listened_on(live):
    assert live.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)
@pytest.mark.full
def test_report__in_a_browser__fits_a_desk_and_a_phone_and_stays_fresh(story):
    story.declare(section(probes=[{"name": "health", "path": "/health"}]))
    story.in_parallel()

    def page(nonce: str) -> str:
        with opened(story.config) as journal:
            return rendered(page_facts(story.config, journal, current_gates(story.config, journal)), live=nonce)

    with watched(story), serving(page) as server, browser.page() as shown:
        wait_for_windows(story, 2)
        for scheme in ("light", "dark"):
            shown.emulate_media(color_scheme=scheme)
            for width in (1280, 390):
                shown.set_viewport_size({"width": width, "height": 844})
                shown.goto(server.url)
                assert shown.evaluate("document.documentElement.scrollWidth") == width
                assert shown.locator("svg").count() == 4
                assert covered(shown) == []
                check_cards(shown, phone=width < 500)
        first = shown.locator("header time").get_attribute("datetime")
        shown.locator("summary", has_text="are green").click()
        newer = "first => document.querySelector('header time').dateTime !== first"
        shown.wait_for_function(newer, arg=first, timeout=60_000)
        assert shown.locator("#all-measures").get_attribute("open") is not None  # what was unfolded stays so
        assert shown.locator("#live").inner_text() == "live"


def covered(shown) -> list[list[str]]:
    """Return the texts of a chart that cover each other; what is drawn is asked, not what was planned."""
    return shown.evaluate("""() => [...document.querySelectorAll("svg")].flatMap(svg => {
        const texts = [...svg.querySelectorAll("text")].map(one => [one.textContent, one.getBoundingClientRect()]);
        return texts.flatMap(([a, x], n) => texts.slice(n + 1).filter(([, y]) =>
            x.left < y.right && y.left < x.right && x.top + 3 < y.bottom && y.top + 3 < x.bottom).map(([b]) => [a, b]));
    })""")


def check_cards(shown, *, phone: bool) -> None:
    """On a desk all cards are seen; on a phone each by its role, above the fold."""
    cards = shown.locator(".card")
    if not phone:
        assert [cards.nth(n).is_visible() for n in range(3)] == [True] * 3
        return
    for number, role in enumerate(("Manager", "DBA", "Developer")):
        shown.get_by_text(role, exact=True).click()
        assert [cards.nth(n).is_visible() for n in range(3)] == [n == number for n in range(3)]
        box = cards.nth(number).bounding_box()
        assert box["y"] + box["height"] <= 844, (role, box)


def test_report_serve__told_to_stop__ends(story):
    """The command itself: it prints the address, answers there, and a pause ends it."""
    story.done("init-journal", "--apply")
    with story.pair.process("report", "--serve", stdout=subprocess.PIPE) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        answer = httpx.get(url, timeout=60)
        story.done("pause", "--because", "a fire")
        assert process.wait(timeout=30) == 0
    assert answer.status_code == 200
    assert "The journal is there; nothing has begun" in answer.text
