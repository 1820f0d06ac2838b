"""The night at a DNS provider: octoDNS's real package writes into a fake of the provider, and a name server follows."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from handover_testing.night import BACKEND, ORIGINAL, Story
from sandbox.providers.api import Answered, FakeProvider
from sandbox.providers.cloudflare import FakeCloudflare
from sandbox.providers.google import PROJECT, FakeGoogle
from sandbox.providers.route53 import FakeRoute53

FAKES: dict[str, type[FakeProvider]] = {"cloudflare": FakeCloudflare, "route53": FakeRoute53, "google": FakeGoogle}
# Cloudflare allows no shorter one.
TTL_S = 60


@dataclass
class AtProvider:
    """A story whose record lies at providers, by name."""

    story: Story
    fakes: dict[str, FakeProvider]
    octodns: Path
    at_name_server: tuple[str, str]

    def fake(self, name: str) -> FakeProvider:
        return self.fakes[name]

    def processors(self, text: str, *names: str) -> None:
        """Declare processors of the zone in octoDNS's configuration."""
        zone = f"    processors: [{', '.join(names)}]\n    sources: []"
        self.octodns.write_text(f"processors:\n{text}\n{self.octodns.read_text().replace('    sources: []', zone)}")

    def values(self, name: str) -> list[str]:
        """Return what a provider's name servers would answer for the record."""
        return [
            value for full, *_, values in self.fakes[name].answers() if full == "www.compas.test." for value in values
        ]


@contextmanager
def at_providers(story: Story, monkeypatch: pytest.MonkeyPatch, *names: str) -> Iterator[AtProvider]:
    """Let the record of a story lie at providers: an address of the original, with the TTL of the switch."""
    octodns = story.pair.folder / "octodns.yaml"
    before = story.file.read_text(), octodns.read_text()
    # A client of Route 53 takes long to start on a busy machine.
    story.file.write_text(
        before[0].replace("ttl_s = 30", f"ttl_s = {TTL_S}").replace("timeout_s = 5", "timeout_s = 60")
    )
    with ExitStack() as stack:
        fakes = {name: stack.enter_context(FAKES[name]("compas.test", published=_publisher(story))) for name in names}
        providers = "".join(_declared(name, fake, story, monkeypatch) for name, fake in fakes.items())
        targets = ", ".join(names)
        octodns.write_text(
            f"providers:\n{providers}zones:\n  compas.test.:\n    sources: []\n    targets: [{targets}]\n"
        )
        yield AtProvider(story, fakes, octodns, before)


def _publisher(story: Story) -> Callable[[list[Answered]], None]:
    """Return what lets the story's name server answer for both records what a provider's would."""

    def publish(answers: list[Answered]) -> None:
        update = story.name_server.new_update()
        for label in ("www", "rehearsal"):
            update.delete(label, "A")
            for name, kind, ttl_s, values in answers:
                if (name, kind) == (f"{label}.compas.test.", "A"):
                    for value in values:
                        update.add(label, ttl_s, kind, value)
        story.name_server.send(update)

    return publish


def _declared(name: str, fake: FakeProvider, story: Story, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a provider as octoDNS's configuration has it; its secrets are in the environment."""
    settings: dict[str, object]
    if isinstance(fake, FakeCloudflare):
        monkeypatch.setenv("CLOUDFLARE_TOKEN", fake.token)
        settings = {"class": "octodns_cloudflare.CloudflareProvider", "token": "env/CLOUDFLARE_TOKEN"}
        settings |= {"api_url": f"{fake.url}/client/v4", "min_ttl": TTL_S, "retry_count": 0, "retry_period": 0}
        settings |= {"pagerules": False}
    elif isinstance(fake, FakeRoute53):
        monkeypatch.setenv("AWS_ENDPOINT_URL_ROUTE_53", fake.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_KEY", fake.access_key)
        monkeypatch.setenv("AWS_SECRET", "secret")
        settings = {"class": "octodns_route53.Route53Provider", "client_max_attempts": 0}
        settings |= {"access_key_id": "env/AWS_KEY", "secret_access_key": "env/AWS_SECRET"}
    else:
        assert isinstance(fake, FakeGoogle)
        account = story.pair.folder / "account.json"
        fake.write_credentials(account)
        settings = {"class": "handover_testing.google_at_fake.GoogleAtFake", "endpoint": fake.url}
        settings |= {"project": PROJECT, "credentials_file": str(account)}
    lines = "".join(f"    {key}: {json.dumps(value)}\n" for key, value in settings.items())
    return f"  {name}:\n{lines}"


def in_parallel(there: AtProvider, value: str = ORIGINAL, **more: object) -> None:
    """Let both systems run in parallel, with the record at every provider."""
    files = (there.story.file, there.octodns)
    now = [file.read_text() for file in files]
    for file, text in zip(files, there.at_name_server, strict=True):
        file.write_text(text)
    there.story.in_parallel()  # at the name server that every test of a run shares
    for file, text in zip(files, now, strict=True):
        file.write_text(text)
    for fake in there.fakes.values():
        fake.add("www", "A", value, ttl=TTL_S, **more)
        fake.add("mail", "A", "127.0.0.9", ttl=300)
        fake.published_now()


def at_backend(there: AtProvider) -> bool:
    """Say whether every provider names the backend, and nothing else."""
    return all(there.values(name) == [BACKEND] for name in there.fakes)
