"""Every request goes to the system itself, whatever proxy the environment names."""

import ast
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

import handover
from handover.config.config import Config, load_config
from handover.cutover.health import alive, warm_up
from handover.cutover.load import carry
from handover.cutover.traffic import requests_seen
from handover.http_client import _certificates, http_client
from handover.journal.evidence import recording
from handover.journeys.run import run_journey
from handover.parallel.http_probes import HttpProber
from handover.parallel.reads import Read
from handover.parallel.shadow import ShadowClient
from handover.parallel.traffic import JourneyRunner
from handover.parallel.watch import Watcher
from handover.probe.client import Probe
from handover.proof.groups import flows, search
from handover.proof.search.queries import Query
from handover.proof.search.sender import query_sender
from handover.proof.target import ProofTarget
from handover.side import Side
from handover_testing.certificates import NAME, certificate, served

SOURCES = Path(handover.__file__).parent
DECLARED = """
[original]
path = "o"
python = ["p"]
settings = "s"
base_url = "{url}"
insecure_http = true
[backend]
path = "b"
python = ["p"]
settings = "s"
base_url = "{url}"
insecure_http = true
[[models]]
original = "o"
backend = "b"
table = "t"
[traffic]
original = "{url}/requests"
backend = "{url}/requests"
[rollback]
warm_up = {{ requests = 2, paths = ["/"] }}
[load]
peak_per_s = 20
measured = "by the test"
seconds = 0.1
paths = ["/"]
[watch]
journeys = ["*"]
[[watch.probes]]
name = "page"
path = "/"
[search]
index = "moves"
url_env = "SEARCH_URL"
vectors = {{ query = "vector" }}
mapping = "mapping.json"
original = {{ path = "/search" }}
backend = {{ path = "/search" }}
[[flows]]
name = "visit"
[[flows.steps]]
name = "open"
path = "/"
"""


class Counting(ThreadingHTTPServer):
    """Answers every request with a number or an empty mapping, and counts the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Counting

    def do_GET(self) -> None:
        self.server.requests += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answers = {"/requests": 7, "/moves/_mapping": {"moves": {"mappings": {"properties": {}}}}, "/search": []}
        body = json.dumps(answers.get(self.path, {})).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[Counting]:
    with Counting() as counting:
        thread = threading.Thread(target=counting.serve_forever, args=[0.01], daemon=True)
        thread.start()
        yield counting
        counting.shutdown()


@pytest.fixture
def config(server, tmp_path, monkeypatch) -> Config:
    """The two systems answer at the server, and the environment names a proxy that does not exist."""
    monkeypatch.setenv("SEARCH_URL", server.url)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    tmp_path.joinpath("mapping.json").write_text('{"vector": {"type": "dense_vector"}}')
    tmp_path.joinpath("handover.toml").write_text(DECLARED.format(url=server.url))
    return load_config(tmp_path / "handover.toml")


def target(config: Config) -> ProofTarget:
    return ProofTarget(
        config, "postgresql://127.0.0.1:1/none", throwaway=True, size="small", seed=1, say=lambda _: None
    )


def follows_a_flow(config: Config) -> None:
    result = run_journey(config.flows[0], {side: config.system(side).base_url or "" for side in Side})
    assert result.failures == ()


def asks_probes(config: Config) -> None:
    samples = list(HttpProber(Side.BACKEND, config.backend.base_url, config.watch).samples())
    assert all(sample.ok for sample in samples)


def compares_answers(config: Config) -> None:
    with ShadowClient(config) as client:
        assert client.compare(Read("GET", "/")).counts


def walks_in_the_background(config: Config) -> None:
    watcher = Watcher(config, target(config).owner_url)
    walks = [one for one in watcher._collectors if isinstance(getattr(one, "__self__", None), JourneyRunner)]
    samples = [sample for walk in walks for sample in walk()]
    assert samples
    assert all(sample.ok for sample in samples)
    with watcher:
        """Close its connections."""


def reaches_the_systems(config: Config) -> None:
    assert list(flows._unreachable({side: config.system(side).base_url or "" for side in Side})) == []


def reads_the_index(config: Config) -> None:
    with recording(config, "prove") as recorder:
        outcome = search.prove(target(config), recorder)
    # The server's mapping was read: what is missing is a field in it.
    assert "the index has no vector field vector" in outcome.failures[0].finding.todo


def asks_a_search(config: Config) -> None:
    assert config.search
    agent: Probe | None = None  # asked over HTTP, the system starts no interpreter
    with query_sender(target(config), config.search, Side.BACKEND, agent) as ask:  # type: ignore[arg-type]
        (answer,) = ask([Query("a test", {"query": [1.0]}, {})])
    assert answer.error is None


def counts_requests(config: Config) -> None:
    assert requests_seen(config, Side.BACKEND) == 7


def carries_load(config: Config) -> None:
    assert carry(config, say=lambda _: None)["failed"] == 0


SENDERS: dict[str, Callable[[Config], object]] = {
    "health": lambda config: alive(config, Side.BACKEND),
    "warm-up": lambda config: warm_up(config, Side.ORIGINAL),
    "load": carries_load,
    "traffic": counts_requests,
    "journey": follows_a_flow,
    "watch: probes": asks_probes,
    "watch: flows": walks_in_the_background,
    "shadow": compares_answers,
    "proof: flows": reaches_the_systems,
    "proof: index": reads_the_index,
    "proof: search": asks_a_search,
}


@pytest.mark.parametrize("sender", SENDERS)
def test_senders__environment_names_a_bad_proxy__reach_the_server(config, server, sender):
    SENDERS[sender](config)
    assert server.requests > 0


def test_bad_proxy__client_that_obeys_the_environment__does_not_reach_the_server(config, server):
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
    assert server.requests == 0


@pytest.fixture
def unread() -> Iterator[None]:
    """The certificates are read again in this test, and again after it."""
    _certificates.cache_clear()
    yield
    _certificates.cache_clear()


def test_certificates__ssl_cert_file_names_the_authority__its_server_is_trusted(tmp_path, monkeypatch, unread):
    authority = certificate("an authority", 90)
    (tmp_path / "authority.pem").write_bytes(authority[0].public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with served(tmp_path, *certificate(NAME, 90, authority)) as port, http_client(timeout_s=5) as client:
        answer = client.get(f"https://127.0.0.1:{port}", extensions={"sni_hostname": NAME})
    assert answer.status_code == httpx.codes.NOT_IMPLEMENTED  # by a server without pages


def test_certificates__ssl_cert_file_names_another_authority__its_server_is_refused(tmp_path, monkeypatch, unread):
    (tmp_path / "another.pem").write_bytes(certificate("another authority", 90)[0].public_bytes(Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "another.pem"))
    of_an_authority = certificate(NAME, 90, certificate("an authority", 90))
    refused = pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED")
    with served(tmp_path, *of_an_authority) as port, http_client(timeout_s=5) as client, refused:
        client.get(f"https://127.0.0.1:{port}", extensions={"sni_hostname": NAME})


SENDING = {"Client", "AsyncClient", "HTTPTransport", "get", "post", "put", "patch", "delete", "head", "options"} | {
    "request",
    "stream",
}
OTHER_CLIENTS = {"urllib.request", "http.client", "requests", "urllib3", "aiohttp"}


def other_clients(source: str) -> list[str]:
    """Return what in a source sends requests without ``http_client``, each with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value
            if isinstance(of, ast.Name) and of.id == "httpx" and node.func.attr in SENDING:
                found.append(f"{node.lineno}: httpx.{node.func.attr}")
        elif isinstance(node, ast.Import):
            found += [f"{node.lineno}: {a.name}" for a in node.names if a.name in OTHER_CLIENTS or a.asname == "httpx"]
        elif isinstance(node, ast.ImportFrom) and node.module in {"httpx", *OTHER_CLIENTS}:
            found.append(f"{node.lineno}: from {node.module}")
    return found


def test_sources__every_module__sends_with_http_client():
    # tell.py is a hook that the team copies: it reaches the world outside, by the proxies of the environment.
    files = [file for file in SOURCES.rglob("*.py") if file.name not in ("http_client.py", "tell.py")]
    assert len(files) > 100
    found = [f"{file.relative_to(SOURCES)}:{one}" for file in files for one in other_clients(file.read_text())]
    assert found == [], "these send requests through the proxies of the environment; use handover.http_client"


@pytest.mark.parametrize(
    "source",
    [
        "import httpx\nhttpx.get('http://a')",
        "import httpx\nwith httpx.Client(trust_env=False) as client: ...",
        "from httpx import Client",
        "import urllib.request",
        "from http.client import HTTPConnection",
    ],
)
def test_sources__another_client_planted__is_found(source):
    assert len(other_clients(source)) == 1


def test_http_client__at_once__limits_the_connections():
    with http_client(timeout_s=1, at_once=3) as client:
        assert client._transport._pool._max_connections == 3


class Impatient(Answering):
    """Closes a connection that was idle between two rounds when it is used again, without an answer."""

    protocol_version = "HTTP/1.1"
    opened_in = -1

    def parse_request(self) -> bool:
        whole = super().parse_request()
        if self.opened_in < 0:
            self.opened_in = self.server.round
        self.close_connection = self.close_connection or self.opened_in != self.server.round
        return whole and self.opened_in == self.server.round


@pytest.fixture
def impatient(server) -> Counting:
    """Give a server that keeps connections, but not from one round to the next."""
    server.RequestHandlerClass, server.round = Impatient, 0
    return server


@pytest.mark.parametrize("kept_s", [0.0, 60.0])
def test_http_client__server_closed_an_idle_connection__fails_only_if_it_was_kept(impatient, monkeypatch, kept_s):
    monkeypatch.setattr("handover.http_client.KEPT_S", kept_s)
    with http_client(timeout_s=5) as client:
        assert client.get(impatient.url).is_success
        impatient.round += 1
        with pytest.raises(httpx.RemoteProtocolError) if kept_s else nullcontext():
            assert client.get(impatient.url).is_success


@pytest.mark.parametrize("sender", [HttpProber, JourneyRunner])
def test_watch__server_closes_idle_connections__asks_each_round_over_a_new_one(impatient, config, monkeypatch, sender):
    monkeypatch.setattr("handover.http_client.KEPT_S", 60.0)
    watch = config.watch.model_copy(update={"journeys_every_s": 0})
    pair = config.model_copy(update={"watch": watch})
    senders = [getattr(one, "__self__", None) for one in Watcher(pair, target(pair).owner_url)._collectors]
    (one, _) = [found for found in senders if isinstance(found, sender)]
    for _ in range(3):
        samples = list(one.samples())
        assert samples
        assert [sample.reason for sample in samples if not sample.ok] == []
        impatient.round += 1
