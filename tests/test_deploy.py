"""The files of deploy/ are whole: what they name exists, in the code and in each other; tools that are here agree."""

import http.server
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import hcl2
import pytest
import yaml

from sandbox import house
from tests.test_watch_service import unit

DEPLOY = house.ROOT / "deploy"
GOOGLE = DEPLOY / "google"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
HADOLINT = house.LOCAL / "hadolint/bin/hadolint"
ENV = (house.ROOT / "backend/config/env.py").read_text()
SETTINGS = set(re.findall(r'_env\.\w+\(\s*"(\w+)"', ENV))
# Read by programs other than the backend.
OF_OTHERS = {
    "BACKEND_DATABASE_PASSWORD", "HANDOVER_DATABASE_URL", "ORIGINAL_DATABASE_URL",
    "PATH", "POSTGRES_DB", "POSTGRES_PASSWORD", "POSTGRES_USER",
    "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED",
    "UV_COMPILE_BYTECODE", "UV_LINK_MODE", "UV_NO_CACHE", "UV_PYTHON_DOWNLOADS",
}  # fmt: skip
OF_SYSTEMD = {"MAINPID"}


References = dict[str, dict[str, dict]]


@cache
def parsed(text: str) -> dict:
    """Return a file of Terraform as its parser reads it; that takes most of the time here."""
    return hcl2.loads(text)


def google(folder: Path) -> References:
    """Return every resource, by kind and name."""
    found: References = {}
    for path in sorted(folder.glob("*.tf")):
        for block in parsed(path.read_text()).get("resource", []):
            for kind, named in block.items():
                for name, body in named.items():
                    if name != "__is_block__":
                        found.setdefault(unquoted(kind), {})[unquoted(name)] = body
    return found


def inner(block: dict, *names: str) -> dict:
    for name in names:
        block = block[name][0]
    return block


def unquoted(value: object) -> str:
    return str(value).strip('"')


# Settings


def of_dockerfile(text: str) -> set[str]:
    joined = text.replace("\\\n", " ")
    lines = re.findall(r"^(?:ENV|RUN) (.*)$", joined, re.MULTILINE)
    return {name for line in lines for name in re.findall(r"\b([A-Z][A-Z_]+)=", line)}


def of_compose(text: str) -> set[str]:
    found = yaml.safe_load(text)
    names = {name for service in found["services"].values() for name in service.get("environment", {})}
    return names | set(re.findall(r"\b([A-Z]+_[A-Z_]+)\b", text.partition("name: compas")[0]))


def of_unit(text: str) -> set[str]:
    return set(re.findall(r"\b([A-Z][A-Z_]+_?[A-Z]+)=", text)) - OF_SYSTEMD


def of_google(text: str) -> set[str]:
    """Return the names that the service and the job get: the map of settings, and the secrets."""
    local = parsed(text)["locals"][0]
    return {unquoted(name) for name in local["settings"]} | {unquoted(name) for name in local["secrets"]}


FILES = [
    (DEPLOY / "Dockerfile", of_dockerfile, "LOG_FORMAT"),
    (DEPLOY / "compose.yaml", of_compose, "X_ACCEL_MEDIA"),
    (GOOGLE / "main.tf", of_google, "GS_BUCKET_NAME"),
    *((path, of_unit, "METRICS_BIND") for path in UNITS),
]


@pytest.mark.parametrize(("path", "names", "one"), FILES, ids=[path.name for path, _, _ in FILES])
def test_settings__each_that_a_file_names__is_one_of_the_code(path, names, one):
    text = path.read_text()
    assert one in names(text)
    assert names(text) - SETTINGS - OF_OTHERS == set()
    assert names(text.replace(one, f"{one}X")) - SETTINGS - OF_OTHERS == {f"{one}X"}


# Commands


def commands() -> Iterator[tuple[str, list[str]]]:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for name, service in compose["services"].items():
        if "command" in service:
            yield name, service["command"]
    for path in UNITS:
        words = unit(path)["Service"]["ExecStart"].split()
        yield path.stem, [Path(words[0]).name, *words[1:]]
    for name, kind in (("web", "service"), ("sweep", "worker_pool")):
        container = inner(google(GOOGLE)[f"google_cloud_run_v2_{kind}"][name], "template", "containers")
        yield f"google {name}", [unquoted(word) for word in container["args"]]


@pytest.mark.parametrize(("name", "words"), list(commands()), ids=[name for name, _ in commands()])
def test_command__of_each_process__is_the_server_or_the_worker(name, words):
    server = words[0] == "gunicorn" and "worker" not in name
    assert server or words == ["python", "manage.py", "procrastinate", "worker"]
    assert (house.ROOT / "backend" / ("gunicorn.conf.py" if server else "manage.py")).is_file()


def test_image__its_stages__copy_what_is_there_and_what_the_context_has():
    text = (DEPLOY / "Dockerfile").read_text()
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)]
    sources = [source.rstrip("/") for words in copied for source in words]
    assert len(sources) > 10
    assert [source for source in sources if not (house.ROOT / source).exists()] == []
    let_in = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"]
    assert [one for one in sources if not any(one == kept or one.startswith(f"{kept}/") for kept in let_in)] == []
    members = re.findall(
        r'"([\w-]+)"', re.search(r"members = \[(.+)\]", (house.ROOT / "pyproject.toml").read_text())[1]
    )
    assert {f"{member}/pyproject.toml" for member in members} <= set(sources), "uv cannot read the lock without them"


def test_image__has_an_account_without_rights_and_keeps_no_secret():
    stages = re.split(r"^FROM ", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    for stage in stages[2:]:
        assert re.search(r"^USER 10001:10001$", stage, re.MULTILINE)
    assert "SECRET_KEY" not in stages[-1]
    assert not re.search(r"^(?:ENV|ARG) .*(?:KEY|PASSWORD|DATABASE_URL)", "\n".join(stages), re.MULTILINE)


@pytest.mark.skipif(not HADOLINT.exists(), reason="no hadolint: script/bootstrap --full installs it")
def test_image__by_hadolint__is_well_formed(tmp_path):
    def said(path: Path) -> tuple[int, str]:
        done = subprocess.run([HADOLINT, path], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    assert said(DEPLOY / "Dockerfile") == (0, "")
    planted = tmp_path / "Dockerfile"
    planted.write_text((DEPLOY / "Dockerfile").read_text().replace("WORKDIR /srv/compas\n", "WORKDIR srv/compas\n"))
    assert said(planted)[0] == 1


# Compose

# The keys of the Compose specification that we use; another one is a slip until it is added here.
TOP = {"name", "services", "volumes"}
SERVICE = {
    "build", "cap_add", "cap_drop", "command", "depends_on", "env_file", "environment", "healthcheck", "image",
    "network_mode", "ports", "profiles", "read_only", "restart", "security_opt", "shm_size", "stop_grace_period",
    "tmpfs", "user", "volumes",
}  # fmt: skip


def slips(text: str) -> list[str]:
    """Return what no tool would understand: an unknown key, a volume, a service or a file that is not there."""
    found = yaml.safe_load(text)
    services = found["services"]
    wrong = [key for key in found if key not in TOP and not key.startswith("x-")]
    for name, service in services.items():
        wrong += [f"{name}.{key}" for key in service if key not in SERVICE]
        wrong += [f"{name} needs {other}" for other in service.get("depends_on", {}) if other not in services]
        network = service.get("network_mode", "")
        if network.startswith("service:") and network.removeprefix("service:") not in services:
            wrong.append(f"{name} in {network}")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if not source.startswith("./") and source not in found["volumes"]:
                wrong.append(f"{name} mounts {source}")
        if "build" in service:
            file = (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve()
            target = service["build"].get("target")
            if not file.is_file() or (target and f" AS {target}\n" not in file.read_text()):
                wrong.append(f"{name} is built of {file.name} {target}")
    return wrong


def test_compose__is_whole():
    text = (DEPLOY / "compose.yaml").read_text()
    assert slips(text) == []
    assert slips(text.replace("network_mode: service:front", "network_mode: service:frnt")) == ["web in service:frnt"]
    assert slips(text.replace("read_only:", "readonly:")) == [f"{name}.readonly" for name in ("front", "web", "worker")]
    assert slips(text.replace("target: setup", "target: set-up")) == ["setup is built of Dockerfile set-up"]
    assert slips(text.replace("\n  cache:\n", "\n")) == ["web mounts cache", "worker mounts cache"]


def test_compose__what_faces_people__is_read_only_and_has_no_rights():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for name in ("front", "web", "worker"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    assert [name for name, service in services.items() if service.get("ports")] == ["front"]
    assert (DEPLOY / "nginx.conf").is_file(), "the front mounts it"


def test_compose__videos__are_of_the_group_that_the_front_sends_them_as():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    of_nginx = 101  # in its official image
    assert {services[name]["user"] for name in ("web", "worker")} == {f"10001:{of_nginx}"}
    # A video is made for its owner and its group, and nginx's processes have no other group.
    assert "chmod(0o640)" in (house.ROOT / "bachateo/src/bachateo/files.py").read_text()
    assert not re.search(r"^\s*user\b", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE)


class OneHost(http.server.BaseHTTPRequestHandler):
    """Answers at the address of health under one host name, as the backend does with ALLOWED_HOSTS."""

    def do_GET(self) -> None:
        self.send_response(200 if (self.headers["Host"], self.path) == ("compas.example", "/api/health") else 400)
        self.end_headers()

    def log_message(self, *_said: object) -> None:
        pass


@pytest.mark.parametrize(("allowed", "status"), [("compas.example,www.compas.example", 0), ("other.example", 1)])
def test_compose__health__is_asked_under_a_name_that_is_answered(allowed, status):
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    _, _, option, code = services["web"]["healthcheck"]["test"]
    with http.server.HTTPServer(("127.0.0.1", 0), OneHost) as server:
        threading.Thread(target=server.serve_forever).start()
        done = subprocess.run(
            [sys.executable, option, code.replace(":8000", f":{server.server_port}")],
            env={"ALLOWED_HOSTS": allowed},
            capture_output=True,
            check=False,
        )
        server.shutdown()
    assert done.returncode == status, done.stderr


def test_prometheus__asks_each_process__at_a_name_of_its_network():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    asked = {
        job["job_name"]: job["static_configs"][0]["targets"]
        for job in yaml.safe_load((DEPLOY / "monitoring/prometheus.yml").read_text())["scrape_configs"]
    }
    for name in ("web", "worker"):
        network = services[name].get("network_mode", f"service:{name}").removeprefix("service:")
        port = services[name]["environment"]["METRICS_BIND"].rpartition(":")[2]
        assert asked[name] == [f"{network}:{port}"]


# systemd


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_unit__by_systemd_itself__is_valid(path, tmp_path):
    def said(text: str) -> tuple[int, list[str]]:
        copy = tmp_path / path.name.replace("@", "@1")
        copy.write_text(re.sub(r"/srv/compas/\.venv/bin/\w+", sys.executable, text))
        done = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
        ours = [line for line in done.stderr.splitlines() if copy.stem in line and "Failed to add" not in line]
        return done.returncode, ours

    text = path.read_text()
    assert said(text) == (0, [])
    assert said(text.replace("RestartSec=", "RestartAfter="))[1], "a word that systemd does not know"


# Google


def unresolved(folder: Path) -> list[str]:
    """Return each reference that leads nowhere, and each variable that nothing reads."""
    text = "\n".join(re.sub(r"^\s*#.*$", "", path.read_text(), flags=re.MULTILINE) for path in folder.glob("*.tf"))
    declared = {f"{kind}.{name}" for kind, named in google(folder).items() for name in named}
    variables = set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
    locals_ = {
        unquoted(name)
        for path in folder.glob("*.tf")
        for block in parsed(path.read_text()).get("locals", [])
        for name in block
    }
    used = set(re.findall(r"\bgoogle_\w+\.\w+", re.sub(r'"\w[\w.-]*\.googleapis\.com[^"$]*"', "", text)))
    read = set(re.findall(r"\bvar\.(\w+)", text))
    return sorted(
        [*(used - declared), *(f"var.{name}" for name in read ^ variables)]
        + [f"local.{name}" for name in set(re.findall(r"\blocal\.(\w+)", text)) - locals_]
    )


def changed(tmp_path: Path, before: str, after: str) -> Path:
    """Return the folder with one word changed, which must be there."""
    folder = tmp_path / "google"
    shutil.copytree(GOOGLE, folder)
    here = [path for path in folder.glob("*.tf") if before in path.read_text()]
    assert here, before
    here[0].write_text(here[0].read_text().replace(before, after))
    return folder


def test_google__every_reference__leads_somewhere():
    assert len(google(GOOGLE)) > 25
    assert unresolved(GOOGLE) == []


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ('_ssl_policy" "modern"', '_ssl_policy" "m"', "google_compute_ssl_policy.modern"),
        ('variable "mail"', 'variable "letters"', "var.mail"),
        ("local.zone", "local.zome", "local.zome"),
    ],
)  # fmt: skip
def test_google__a_reference_to_nothing__is_seen(tmp_path, before, after, found):
    assert found in unresolved(changed(tmp_path, before, after))


def too_mighty(folder: Path) -> list[str]:
    """Return the roles of accounts that may do more than their part; and what all may do."""
    members = [
        (f"{kind}.{name}", unquoted(body["role"]), unquoted(body["member"]))
        for kind, named in google(folder).items()
        if kind.endswith("_iam_member")
        for name, body in named.items()
    ]
    assert len(members) >= 6
    basic = re.compile(r"roles/(?:owner|editor|viewer|.*[aA]dmin|run\.developer)$")
    return [
        name
        for name, role, member in members
        if basic.match(role) or (member == "allUsers" and role != "roles/run.invoker")
    ]


def test_google__no_account__may_do_more_than_its_part(tmp_path):
    assert too_mighty(GOOGLE) == []
    planted = changed(tmp_path, "roles/storage.objectUser", "roles/storage.admin")
    assert too_mighty(planted) == ["google_storage_bucket_iam_member.media"]


def test_google__permissions_of_the_backend__are_those_that_its_page_names():
    role = google(GOOGLE)["google_project_iam_custom_role"]["executions"]
    permissions = {unquoted(one) for one in role["permissions"]}
    page = (house.ROOT / "docs/howto/cloud-run-jobs.md").read_text()
    # The client that starts an execution with arguments needs the plain right as well.
    assert set(re.findall(r"`(run\.\w+\.\w+)`", page)) == permissions - {"run.jobs.run"}


def test_google__the_job__ends_after_the_backend_has_given_it_up():
    text = (GOOGLE / "main.tf").read_text()
    limit_s = float(re.search(r'JOB_TIME_LIMIT_S\s+= "(\d+)"', text)[1])
    timeout = inner(google(GOOGLE)["google_cloud_run_v2_job"]["generate"], "template", "template")["timeout"]
    assert float(unquoted(timeout).removesuffix("s")) > limit_s


def test_google__the_record_that_people_follow__is_left_to_handover_beside_an_original():
    record = google(GOOGLE)["google_dns_record_set"]["host"]
    assert "var.original == null ? 1 : 0" in str(record["count"])
    assert int(record["ttl"]) <= 60


def test_google__probes__ask_addresses_that_are_there():
    container = inner(google(GOOGLE)["google_cloud_run_v2_service"]["web"], "template", "containers")
    asked = [unquoted(inner(container, probe, "http_get")["path"]) for probe in ("startup_probe", "liveness_probe")]
    assert asked == ["/health", "/api/health"]
