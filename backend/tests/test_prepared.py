"""A query that is compiled once finds the rows of each call, by the session of each thread."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models import CharField, F, Func, IntegerField
from django.db.models.sql.compiler import SQLCompiler

from apps.authentication.models import User
from apps.tokens.models import PersonalToken
from apps.tokens.services import issue_token
from config.prepared import GivenValue, GivenValues, Prepared
from tests.conftest import make_user


def by_name() -> Prepared[User]:
    return Prepared(lambda: User.objects.filter(username=GivenValue("name", CharField())))


@pytest.fixture
def compiled(monkeypatch) -> list[object]:
    """Each query that was compiled."""
    seen, plain = [], SQLCompiler.as_sql

    def as_sql(compiler: SQLCompiler, *given: object, **more: object) -> object:
        seen.append(compiler.query)
        return plain(compiler, *given, **more)

    monkeypatch.setattr(SQLCompiler, "as_sql", as_sql)
    return seen


def test_prepared__other_values__find_other_rows_and_compile_nothing(ana, ben, compiled):
    users = by_name()
    assert (users.first(name="ana"), users.first(name="ben"), users.first(name="carla")) == (ana, ben, None)
    assert len(compiled) == 1


def test_queryset__asked_twice__would_be_compiled_twice(ana, ben, compiled):
    assert [User.objects.filter(username=name).first() for name in ("ana", "ben")] == [ana, ben]
    assert len(compiled) == 2


def test_prepared__rows__are_whole_with_related_ones_annotations_and_converted_values(ana, django_assert_num_queries):
    issue_token(user=ana, name="t", scopes=["read"])
    tokens = PersonalToken.objects.select_related("user").annotate(twice=F("id") + F("id"))
    prepared = Prepared(lambda: tokens.filter(user_id=GivenValue("user", IntegerField())))
    with django_assert_num_queries(1):
        (token,) = prepared.rows(user=ana.pk)
        assert (token.user, token.user.preferences, token.scopes, token.twice) == (ana, {}, ["read"], 2 * token.pk)
    assert (token._state.adding, token._state.db) == (False, "default")


def test_prepared__value_that_is_missing__is_an_error(ana):
    with pytest.raises(KeyError, match="name"):
        by_name().first()


def test_prepared__of_two_threads__asks_by_the_session_of_each(own_database):
    make_user("ana")
    pid = Func(function="pg_backend_pid", output_field=IntegerField())
    users = Prepared(lambda: User.objects.filter(username=GivenValue("name", CharField())).annotate(pid=pid))

    def session() -> tuple[int, int]:
        try:
            return users.first(name="ana").pid, connection.connection.info.backend_pid
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        (told, own), (told_there, own_there) = session(), pool.submit(session).result()
    assert (told, told_there) == (own, own_there)
    assert own != own_there


def test_prepared__any_of_several_values__finds_their_rows_and_none_without_values(ana, ben):
    users = Prepared(
        lambda: User.objects.filter(username__in=GivenValues("names", CharField(max_length=9))).order_by("pk")
    )
    assert (users.rows(names=["ben", "ana", "carla"]), users.rows(names=[])) == ([ana, ben], [])
