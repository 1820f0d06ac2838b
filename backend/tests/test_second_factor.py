"""The admin site opens to staff with a one-time code, whichever system logged them in; a code counts once."""

import re
from contextlib import closing
from datetime import timedelta
from io import StringIO

import psycopg
import pyotp
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from apps.authentication.models import User
from apps.events.models import AccountEvent
from apps.second_factor import codes, services
from apps.second_factor.models import RecoveryCode, SecondFactor
from config import env
from config.clock import database_now
from tests.conftest import make_user
from tests.test_failed_logins import by_admin, by_api
from tests.test_tokens import program

PAGE = "/account/second-factor"
WRONG = "This code is wrong, over, or was used already."


@pytest.fixture(autouse=True)
def switched_on(settings) -> None:
    settings.SECOND_FACTOR = True


@pytest.fixture
def eva(db) -> User:
    return make_user("eva", is_staff=True, is_superuser=True)


def logged_in() -> Client:
    """With the password alone, as a session of the original is, too."""
    client = Client()
    assert by_admin(client, "eva", "secreto").status_code == 302
    return client


def post(client: Client, **sent: str):
    return client.post(PAGE, sent)


def code_of(secret: str, *, steps: int = 1) -> str:
    """Return the next code: newer than that of the set-up, and right also if half a minute ends meanwhile."""
    return pyotp.TOTP(secret).at(database_now() + timedelta(seconds=30 * steps))


def set_up(client: Client) -> tuple[str, list[str]]:
    """Return the secret that the app has, and the recovery codes."""
    secret = post(client, do="begin", password="secreto").context["secret"]
    answer = post(client, do="confirm", code=code_of(secret, steps=0))
    return secret, answer.context["recovery_codes"]


def is_open(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def kinds() -> list[str]:
    return [kind for kind in AccountEvent.objects.order_by("id").values_list("kind", flat=True) if kind != "login"]


def test_default__is_on():
    assert env.SECOND_FACTOR is True


def test_first_login__leads_staff_to_set_it_up_and_then_where_they_wanted_to_go(eva):
    client = logged_in()
    answer = client.get("/admin/users/user/", follow=True)
    assert answer.redirect_chain[-1][0] == f"{PAGE}?next=%2Fadmin%2Fusers%2Fuser%2F"
    assert not is_open(client)
    offered = post(client, do="begin", password="secreto", next="/admin/")
    assert "<svg viewBox=" in offered.content.decode()
    assert "style=" not in offered.content.decode(), "the content security policy forbids it"
    assert offered["Cache-Control"].count("no-store") == 1
    assert not is_open(client), "offered is not confirmed"
    answer = post(client, do="confirm", code=code_of(offered.context["secret"]), next="/admin/")
    assert len(set(answer.context["recovery_codes"])) == 10
    assert 'href="/admin/"' in answer.content.decode()
    assert is_open(client)
    assert kinds() == ["factor-enrolled"]


def test_next_login__asks_for_a_code(eva):
    secret, _ = set_up(logged_in())
    client = logged_in()
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == f"{PAGE}?next=%2Fadmin%2F"
    assert not is_open(client)
    key = client.cookies["sessionid"].value
    answer = post(client, code=code_of(secret), next="/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert is_open(client)
    assert client.cookies["sessionid"].value != key
    stolen = Client()
    stolen.cookies["sessionid"] = key
    assert not is_open(stolen)


def test_every_admin_page__is_closed_without_it(eva):
    set_up(logged_in())
    client = logged_in()
    for address in ("/admin/", "/admin/users/user/", f"/admin/users/user/{eva.pk}/password/", "/admin/auth/group/"):
        for method in (client.get, client.post):
            assert method(address)["Location"].startswith("/admin/login/?next="), address


def test_code__counts_once_and_none_before_it_counts(eva):
    secret, _ = set_up(logged_in())
    now = code_of(secret)
    assert post(logged_in(), code=now).status_code == 302
    for replayed in (now, code_of(secret, steps=0)):
        thief = logged_in()
        answer = post(thief, code=replayed)
        assert (answer.status_code, WRONG in answer.content.decode(), is_open(thief)) == (401, True, False)


@pytest.mark.parametrize("steps", [-3, 3, 20])
def test_code__of_another_time__is_refused(eva, steps):
    secret, _ = set_up(logged_in())
    assert post(logged_in(), code=code_of(secret, steps=steps)).status_code == 401


@pytest.mark.parametrize("code", ["", "000000", "x" * 300, "\uff11\uff12\uff13\uff14\uff15\uff16", "\0"])
@pytest.mark.thinned(to_one_in=3)
def test_code__that_is_none__is_refused(eva, code):
    set_up(logged_in())
    assert post(logged_in(), code=code).status_code == 401


def test_code__may_have_spaces(eva):
    secret, _ = set_up(logged_in())
    code = code_of(secret)
    assert post(logged_in(), code=f" {code[:3]} {code[3:]} ").status_code == 302


def test_recovery_code__opens_once(eva):
    _, recovery = set_up(logged_in())
    client = logged_in()
    assert post(client, code=recovery[3].upper()).status_code == 302
    assert is_open(client)
    assert post(logged_in(), code=recovery[3]).status_code == 401
    assert post(logged_in(), code=recovery[4].replace("-", " ")).status_code == 302
    used = AccountEvent.objects.filter(kind="recovery-used").order_by("id")
    assert list(used.values_list("detail", flat=True)) == ["9 left", "8 left"]


def test_secrets__are_kept_nowhere(eva, caplog):
    secret, recovery = set_up(logged_in())
    kept = str([list(model.objects.values()) for model in (SecondFactor, RecoveryCode, AccountEvent)]) + caplog.text
    for text in (secret, *recovery, *(code.replace("-", "") for code in recovery)):
        assert text not in kept


def test_new_recovery_codes__replace_the_old_ones(eva):
    client = logged_in()
    secret, old = set_up(client)
    new = post(client, do="renew", code=code_of(secret)).context["recovery_codes"]
    assert post(logged_in(), code=old[0]).status_code == 401
    assert post(logged_in(), code=new[0]).status_code == 302
    assert RecoveryCode.objects.count() == 10


def test_guesses__are_limited_also_in_a_known_browser_and_from_many_addresses(eva):
    _, recovery = set_up(logged_in())
    known = logged_in()
    assert [post(known, code="000000").status_code for _ in range(6)] == [401] * 5 + [429]
    refused = post(known, code=recovery[0])
    assert refused.status_code == 429, "also the right one"
    assert int(refused["Retry-After"]) > 0
    client = logged_in()
    codes_of = [client.post(PAGE, {"code": "000000"}, REMOTE_ADDR=f"198.51.100.{n // 4}") for n in range(30)]
    assert [answer.status_code for answer in codes_of].count(401) == 15, "20 of one account"
    assert kinds().count("locked") >= 2


def test_guesses__of_the_password_at_the_set_up__are_limited(eva):
    client = logged_in()
    assert [post(client, do="begin", password="wrong-one").status_code for _ in range(6)] == [400] * 5 + [429]


def test_set_up__wrong_code__confirms_nothing_and_may_be_tried_again(eva):
    client = logged_in()
    secret = post(client, do="begin", password="secreto").context["secret"]
    answer = post(client, do="confirm", code="000000")
    assert (answer.status_code, secret in answer.content.decode()) == (401, False)
    assert "Add it to your app" not in answer.content.decode()
    assert not is_open(client)
    assert post(client, do="confirm", code=code_of(secret)).status_code == 200


def test_set_up__wrong_code_and_nothing_in_the_app__leads_back_to_the_first_step(eva):
    client = logged_in()
    post(client, do="begin", password="secreto")
    answer = post(client, do="confirm", code="000000", next="/admin/users/user/")
    (first_step,) = re.findall(r'href="([^"]+)">If not, begin again with your password\.<', answer.content.decode())
    first = client.get(first_step)
    assert 'value="begin"' in first.content.decode()
    assert first.context["next"] == "/admin/users/user/"


def test_set_up__over_another__needs_that_one_first(eva):
    client = logged_in()
    old, _ = set_up(client)
    thief = logged_in()
    assert post(thief, do="begin", password="secreto").status_code == 409
    assert post(thief, do="confirm", code="000000").status_code == 409
    new, _ = set_up(client)
    other = logged_in()
    assert post(other, code=code_of(old)).status_code == 401
    assert post(other, code=code_of(new)).status_code == 302


def test_new_second_factor__closes_sessions_that_showed_the_old_one(eva):
    client, other = logged_in(), logged_in()
    secret, _ = set_up(client)
    post(other, code=code_of(secret))
    assert is_open(other)
    set_up(client)
    assert (is_open(client), is_open(other)) == (True, False)


def test_session__with_a_forged_proof_of_another_user__is_closed(eva):
    client = logged_in()
    set_up(client)
    make_user("kim", is_staff=True, is_superuser=True)
    kims = Client()
    by_api(kims, "kim", "secreto")
    store = kims.session
    store[services.PROOF] = client.session[services.PROOF]
    store.save()
    assert not is_open(kims)


def test_members__have_no_such_page_and_need_none(ana):
    client = Client()
    client.force_login(ana)
    assert client.get(PAGE).status_code == 404
    assert client.get("/studio").status_code == 200


def test_switched_off__the_password_is_enough(eva, settings):
    settings.SECOND_FACTOR = False
    assert is_open(logged_in())


def test_token__opens_no_admin_page(eva):
    assert program(eva, "read").get("/admin/").status_code == 302


def test_own_password__is_changed_in_one_place(eva):
    client = logged_in()
    set_up(client)
    assert client.get("/admin/password_change/")["Location"] == "/account"
    assert client.post("/admin/password_change/")["Location"] == "/account"


def test_reset__by_an_administrator__lets_set_up_another(eva):
    client = logged_in()
    set_up(client)
    said = StringIO()
    call_command("reset_second_factor", "eva@example.com", stdout=said)
    assert said.getvalue() == "The second factor of eva is removed.\n"
    assert not is_open(client)
    assert kinds()[-1] == "factor-reset"
    set_up(client)
    assert is_open(client)


@pytest.mark.parametrize(("name", "words"), [("eva", "has no second factor"), ("x", "There is no user 'x'")])
def test_reset__nothing_to_do__says_so(eva, name, words):
    with pytest.raises(CommandError, match=words):
        call_command("reset_second_factor", name)


def test_codes__are_those_of_the_standard():
    """RFC 6238, appendix B, cut to six digits."""
    app = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    assert [app.at(time) for time in (59, 1111111109, 20000000000)] == ["287082", "081804", "353130"]


def test_secret__follows_from_secret_key(settings):
    nonce = codes.new_nonce()
    first = codes.totp(nonce).secret
    settings.SECRET_KEY = "another"
    assert (len(first), codes.totp(nonce).secret == first) == (32, False)


def test_same_code_twice_at_once__lets_one_in(eva):
    factor = SecondFactor.objects.create(user=eva, nonce=codes.new_nonce())
    code = codes.totp(factor.nonce).at(database_now())
    assert services._use_one_time_code(factor, code)
    assert not services._use_one_time_code(factor, code), "a request that read the row before the other wrote it"


def test_user_deleted_by_the_original__takes_it_along(own_database):
    user = make_user("eva")
    factor = SecondFactor.objects.create(user=user, nonce=codes.new_nonce())
    RecoveryCode.objects.create(factor=factor, code_hash="x")
    with closing(psycopg.connect(own_database.url("original_app"))) as session, session:
        session.execute("DELETE FROM users")
    assert not RecoveryCode.objects.exists()


def test_page__needs_the_csrf_token(eva):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(eva)
    assert strict.post(PAGE, {"code": "1"}).status_code == 403


def test_tables__are_in_schema_backend(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT schemaname FROM pg_tables WHERE tablename ~ 'second_factors|recovery_codes'")
        assert cursor.fetchall() == [("backend",)] * 2


def test_otp_address__names_account_and_service(eva):
    address = codes.address_for_apps(codes.new_nonce(), account="eva")
    assert re.match(r"otpauth://totp/Comp%C3%A1s:eva\?secret=[A-Z2-7]{32}&issuer=Comp%C3%A1s$", address)
