"""Who signs is an account or what proves a person, never a free text; and one person signs for one role."""

import hmac
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import jwt
import pytest
from jwt.utils import base64url_encode
from pydantic import ValidationError

from handover.cli.sign import sign
from handover.config.config import Config
from handover.config.signing import Signer
from handover.cutover.evidence_gates import note_newest
from handover.cutover.signer import IdentityProof, SignedBy
from handover.cutover.ssh_proof import ssh_trouble
from handover.cutover.token_proof import prove_by_token
from handover.errors import ConfigurationError, Refused
from handover.journal.account import ActingAccount, this_account
from handover.journal.evidence import recording
from handover.journal.journal import opened
from handover_testing.night import Story, red
from handover_testing.signers import AUDIENCE, KEY_NAME, Issuer, allowed_line, issuing, new_key

ANA, LEO = "ana@example.org", "leo@example.org"
GATE = """
[[gates]]
id = "signed"
kind = "sign-offs"
reason = "two people answer for it"
roles = ["DevOps", "Tech Lead"]
"""
BACKED_UP = '[[gates]]\nid = "backup"\nkind = "backup"\nreason = "there is a way back"\n'
SIGNERS = '[gates.signers]\n"Tech Lead" = {{ {} }}\n'


def ready(story: Story, more: str = "") -> None:
    """Let there be a plan to sign."""
    story.declare(GATE + more)
    story.in_parallel()
    story.plan()


def signed(story: Story, role: str, **more: Path) -> None:
    """Sign as the command line does, in this process."""
    sign(role=role, because=f"I answer for it as {role}", config=story.file, **more)


def signatures(story: Story) -> list[dict]:
    with opened(story.config) as journal:
        return [entry.body for entry in journal.entries() if entry.kind == "signature"]


@pytest.fixture
def keys(story, tmp_path) -> dict[str, Path]:
    """Two people of one account, each with a key that the team knows; and a stranger's."""
    made = {name: new_key(tmp_path, name) for name in ("ana", "leo", "stranger")}
    lines = allowed_line(ANA, made["ana"]) + allowed_line(LEO, made["leo"])
    (story.file.parent / "allowed_signers").write_text(lines)
    return made


DECLARED_KEYS = '[signing]\nallowed_signers = "allowed_signers"\n'


def test_sign__one_account_for_a_second_role__is_refused(story):
    ready(story)
    story.done("sign", "--as", "DevOps", "--because", "I read it")
    said = story.refused(
        "sign", "--as", "Tech Lead", "--because", "I read it too", HANDOVER_OPERATOR="leo", SUDO_USER="leo"
    )
    assert f"HO552  the account {this_account().name} (by sudo of leo, called leo) on " in said
    assert "has signed as DevOps already, and one person signs for one role. Where people share an account" in said
    assert [body["role"] for body in signatures(story)] == ["DevOps"]
    assert red(story)["signed"] == "Tech Lead has not signed"
    story.done("pause", "--because", "wait for Ana")
    assert story.refused("sign", "--as", "DevOps", "--because", "once more").startswith(
        "HO507  everything is paused by"
    )


def test_sign__file_says_that_one_may_sign_all__is_signed_and_told_by_what(story):
    ready(story, "one_may_sign_all = true")
    signed(story, "DevOps")
    signed(story, "Tech Lead")
    assert red(story) == {}
    account = f"the account {this_account()} on "
    said = story.handover("gates").stdout
    assert f"2 roles signed: DevOps by {account}" in said
    assert f"; Tech Lead by {account}" in said
    # Without that line the second does not count any more.
    story.file.write_text(story.file.read_text().replace("one_may_sign_all = true", ""))
    assert "has signed as DevOps already" in red(story)["signed"]


def test_sign__each_person_with_a_key__both_count_though_the_account_is_one(story, keys, capsys):
    ready(story, DECLARED_KEYS)
    signed(story, "DevOps", key=keys["ana"])
    assert f"Signed as DevOps by {ANA}, by the SSH key SHA256:" in capsys.readouterr().out
    with pytest.raises(Refused, match=rf"HO552  {ANA}, by the SSH key SHA256:\S+; account .* has signed as DevOps"):
        signed(story, "Tech Lead", key=keys["ana"])
    # The account alone may be any of the two.
    with pytest.raises(Refused, match=r"HO552  the account .* has signed as DevOps already"):
        signed(story, "Tech Lead")
    signed(story, "Tech Lead", key=keys["leo"])
    assert red(story) == {}
    # The gate verifies again: a key that the team takes back signs no more.
    (story.file.parent / "allowed_signers").write_text(allowed_line(ANA, keys["ana"]))
    assert red(story)["signed"].startswith(
        "the signature of Tech Lead does not hold: the signature is not that of a key"
    )
    (story.file.parent / "allowed_signers").unlink()
    assert red(story)["signed"].startswith("it could not be judged: HO001  ")


def test_sign__role_asks_for_a_person_and_a_key__all_others_are_refused(story, keys):
    ready(story, SIGNERS.format(f'proof = "ssh", identities = ["{LEO}"]') + DECLARED_KEYS)
    with pytest.raises(Refused, match=r"HO552  handover.toml asks for an SSH key to sign as Tech Lead \(--key FILE\)"):
        signed(story, "Tech Lead")
    with pytest.raises(Refused, match=rf"HO552  handover.toml lets {LEO} sign as Tech Lead, not {ANA}"):
        signed(story, "Tech Lead", key=keys["ana"])
    with pytest.raises(Refused, match=r"HO553  .*allowed_signers names no person with this key"):
        signed(story, "Tech Lead", key=keys["stranger"])
    with pytest.raises(Refused, match=r"HO553  ssh-keygen does not sign with .*nothing"):
        signed(story, "Tech Lead", key=keys["stranger"].with_name("nothing"))
    assert signatures(story) == []
    signed(story, "Tech Lead", key=keys["leo"])
    assert red(story)["signed"] == "DevOps has not signed"
    # The key signs the text of the sign-off: another text has not been signed.
    (body,) = signatures(story)
    proof = IdentityProof(**body["signer"]["proof"])
    assert "is not that of a key that" in ssh_trouble(story.config, proof, "I answer for something else")


@pytest.mark.parametrize("reason", ["", " "])
def test_sign__reason_says_nothing__is_refused_and_nothing_is_signed(story, reason):
    story.with_journal()
    done = story.handover("sign", "--as", "DevOps", "--because", reason)
    assert done.returncode == 2
    assert "--because is empty: the journal keeps the reason. Say why." in done.stderr
    assert story.handover("rollback", "--unproven", reason).returncode == 2
    with opened(story.config) as journal:
        assert [entry.kind for entry in journal.entries()] == ["init"]


def test_sign__account_is_not_declared_for_the_role__is_refused(story):
    ready(story, SIGNERS.format('accounts = ["leo"]'))
    with pytest.raises(Refused, match=r"HO552  handover.toml lets leo sign as Tech Lead, not the account "):
        signed(story, "Tech Lead")
    assert signatures(story) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (SIGNERS.format('identities = ["leo"]'), "identities without a proof are free text"),
        ('[gates.signers]\n"Janitor" = { proof = "ssh" }\n', "signers names Janitor; the roles are DevOps, Tech Lead"),
    ],
)
def test_signers__cannot_be_meant__are_refused_with_their_line(story, more, said):
    story.declare(GATE + more)
    with pytest.raises(ConfigurationError, match=rf"line \d+: .*{said}"):
        _ = story.config


NOBODY = pwd.getpwnam("nobody")
AS_LEO = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups", sys.executable, "-c"]


def can_be_leo() -> bool:
    """Say whether this process can become another account, and that account finds the interpreter."""
    if os.getuid() or not shutil.which("setpriv"):
        return False
    return subprocess.run([*AS_LEO, "import handover"], check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not can_be_leo(), reason="no other account here that can run this interpreter")
@pytest.mark.full
def test_sign__another_account_in_a_folder_of_its_own__is_another_person(story):
    """Each of a team signs as itself: with its own folder, the journal's key, and the plan that is reviewed."""
    ready(story, BACKED_UP)
    with recording(story.config, "backup") as recorder:
        recorder.summary |= {"restored": True, "differing": [], "tables": 3, "rows": 9}
    with opened(story.config) as journal:
        note_newest(story.config, journal, "backup")
    signed(story, "DevOps")
    with tempfile.TemporaryDirectory(prefix="leo-") as place:
        folder = Path(place)
        copied = [story.file, story.file.parent / ".handover/key", *(story.file.parent / ".handover/plans").glob("*")]
        for file in copied:
            shutil.copy(file, folder)
        for path in (folder, *folder.iterdir()):
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
            path.chmod(0o700)

        def as_leo(*arguments: str) -> str:
            program = [*AS_LEO, "from handover.cli import app; app()", *arguments]
            done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
            return f"{done.returncode} {done.stdout}{done.stderr}"

        signing = ("sign", "--as", "Tech Lead", "--because", "I read it", "--plan", copied[-1].name)
        assert "HO512" in as_leo(*signing)
        assert as_leo("init-journal", "--journal-key", "key").startswith("0 ")
        assert as_leo(*signing).startswith("0 Signed as Tech Lead by the account nobody (called ana) on ")
    assert red(story) == {}
    assert "; Tech Lead by the account nobody (called ana) on " in story.handover("gates").stdout


def test_is_same_person__two_proofs_or_the_account__decide():
    deploy, root = (ActingAccount(name, uid) for name, uid in (("deploy", 1000), ("root", 0)))
    ana, leo = (IdentityProof("ssh", name, f"SHA256:{name}") for name in (ANA, LEO))
    one = SignedBy(deploy, "here", ana)
    assert not one.is_same_person(SignedBy(deploy, "here", leo))
    assert one.is_same_person(SignedBy(root, "there", IdentityProof("oidc", ANA.upper(), "issuer")))
    assert one.is_same_person(SignedBy(root, "there", IdentityProof("ssh", LEO, ana.by)))
    assert one.is_same_person(SignedBy(deploy, "there"))
    assert not one.is_same_person(SignedBy(root, "here"))
    assert (
        SignedBy(deploy, "here")
        .trouble("DevOps", Signer(proof="any"))
        .startswith("handover.toml asks for an SSH key or")
    )


# --- tokens


@pytest.fixture(scope="module")
def issuer():
    with issuing() as made:
        yield made


def declared(issuer: Issuer, more: str = "") -> str:
    return f'[signing.oidc]\nissuer = "{issuer.url}"\naudience = "{AUDIENCE}"\n{more}'


def test_sign__token_of_the_declared_issuer__is_who_it_says_and_is_kept_nowhere(story, issuer, tmp_path):
    ready(story, SIGNERS.format(f'proof = "oidc", identities = ["{LEO}"]') + declared(issuer))
    (file := tmp_path / "token").write_text(token := issuer.token(LEO))
    story.done("sign", "--as", "Tech Lead", "--because", "I read it", "--token", str(file))
    with pytest.raises(Refused, match=rf"HO552  handover.toml lets {LEO} sign as Tech Lead, not {ANA}, by a token of"):
        sign(role="Tech Lead", because="me too", config=story.file, token=_file(tmp_path, issuer.token(ANA)))
    said = story.done("sign", "--as", "DevOps", "--because", "I read it", HANDOVER_ID_TOKEN=issuer.token(ANA)).stdout
    assert f"Signed as DevOps by {ANA}, by a token of {issuer.url}; account " in said
    assert red(story) == {}
    kept = json.dumps(signatures(story)) + "".join(
        p.read_text() for p in (story.file.parent / ".handover").glob("*.jsonl")
    )
    assert token not in kept
    assert token.rpartition(".")[2] not in kept
    story.file.write_text(story.file.read_text().replace(issuer.url, "https://issuer.example"))
    assert "its token is of http://127.0.0.1" in red(story)["signed"]


def _file(folder: Path, text: str) -> Path:
    (path := folder / "another").write_text(text)
    return path


FORGED = {
    "another audience": (lambda i: i.token(LEO, aud="a shop"), "Audience doesn't match"),
    "another issuer": (lambda i: i.token(LEO, iss="https://elsewhere.example"), "Invalid issuer"),
    "expired": (lambda i: i.token(LEO, exp=1), "expired"),
    "long ago": (lambda i: i.token(LEO, iat=1), "it was issued .* s ago; at most 900 s"),
    "no expiry": (lambda i: i.token(LEO, exp=None), 'missing the "exp" claim'),
    "no e-mail": (lambda i: i.token(LEO, email=None), "it has no claim 'email'"),
    "not verified": (lambda i: i.token(LEO, email_verified=False), "does not say that the e-mail is verified"),
    "nothing of that": (lambda i: i.token(LEO, email_verified=None), "does not say that the e-mail is verified"),
    "another's key": (lambda i: Issuer(i.url).token(LEO), "Signature verification failed"),
    "unknown key": (lambda i: jwt.encode(i.claims(LEO), i.key, algorithm="ES256", headers={"kid": "x"}), "0 keys of"),
    "no signature": (
        lambda i: jwt.encode(i.claims(LEO), None, algorithm="none", headers={"kid": KEY_NAME}),
        "alg value is not allowed",
    ),
    "no token": (lambda _: "leo", "Not enough segments"),
}


def config_of(folder: Path, issuer: Issuer, **more: str) -> Config:
    """Return a pair that trusts an issuer."""
    system = {"path": "s", "python": ["python"], "settings": "settings"}
    models = [{"original": "a.A", "backend": "b.A", "table": "a"}]
    oidc = {"issuer": issuer.url, "audience": AUDIENCE, **more}
    values = {"root": folder, "original": system, "backend": system, "models": models, "signing": {"oidc": oidc}}
    return Config.model_validate(values)


@pytest.mark.parametrize("case", FORGED)
def test_token__is_not_one_of_the_issuer_for_us_now__does_not_count(tmp_path, issuer, case):
    make, why = FORGED[case]
    with pytest.raises(Refused, match=rf"HO553  the identity token does not count: .*{why}"):
        prove_by_token(config_of(tmp_path, issuer), make(issuer))


def test_token__signed_with_the_public_key_as_a_secret__does_not_count(tmp_path, issuer):
    head = {"alg": "HS256", "typ": "JWT", "kid": KEY_NAME}
    part = b".".join(base64url_encode(json.dumps(one).encode()) for one in (head, issuer.claims(LEO)))
    made = hmac.new(issuer.public_pem(), part, "sha256").digest()
    with pytest.raises(Refused, match=r"HO553  the identity token does not count: The specified alg value is not"):
        prove_by_token(config_of(tmp_path, issuer), (part + b"." + base64url_encode(made)).decode())


def test_token__keys_lie_in_a_file__no_issuer_is_asked(tmp_path, issuer):
    (tmp_path / "jwks.json").write_text(json.dumps(issuer.jwks()))
    gone = Issuer("https://issuer.invalid", issuer.key)
    config = config_of(tmp_path, gone, jwks="jwks.json", claim="sub")
    assert prove_by_token(config, gone.token(LEO, email_verified=None)).identity == f"id of {LEO}"
    (tmp_path / "jwks.json").unlink()
    with pytest.raises(ConfigurationError, match=r"jwks\.json holds no keys"):
        prove_by_token(config, gone.token(LEO))


def test_token__issuer_does_not_answer_or_is_another__is_refused(tmp_path, issuer):
    silent = Issuer("http://127.0.0.1:9")
    with pytest.raises(Refused, match=r"the keys of its issuer are not to be had at http://127\.0\.0\.1:9/"):
        prove_by_token(config_of(tmp_path, silent), silent.token(LEO))
    other = Issuer(f"{issuer.url}/", issuer.key)
    with pytest.raises(Refused, match=rf"{other.url} calls itself '{issuer.url}'"):
        prove_by_token(config_of(tmp_path, other), other.token(LEO))


def test_token__issuer_without_encryption__is_no_issuer(tmp_path):
    with pytest.raises(ValidationError, match="https"):
        config_of(tmp_path, Issuer("http://issuer.example"))
