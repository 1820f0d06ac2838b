"""The whole way there and back as an operator types it."""

import json

import pytest

from handover_testing.night import BACKEND, ORIGINAL
from sandbox.dns import bind
from sandbox.dns.bind import Bind9


def test_there_and_back__everything_is_well__people_are_where_the_journal_says(story):
    story.begins()
    assert story.state() == "parallel"
    shown = story.done("cutover", "plan").stdout
    assert f"from {ORIGINAL} (TTL 30 s)\n    to   {BACKEND} (TTL 30 s)" in shown
    assert story.people_reach() == [ORIGINAL]
    story.done("cutover", "--apply", story.plan())
    assert (story.state(), story.people_reach()) == ("switched", [BACKEND])
    assert story.status().agrees
    story.done("rollback", "--apply", "--because", "a trial")
    assert (story.state(), story.people_reach()) == ("rolled_back", [ORIGINAL])
    story.done("cutover", "--apply", story.plan())
    assert (story.state(), story.people_reach()) == ("switched", [BACKEND])


def test_there_and_back__record_is_an_alias_and_a_resolver_is_asked__is_the_same(story):
    text = story.file.read_text().replace('record = "www"', 'record = "alias"\ntype = "CNAME"')
    text = text.replace(f'original = ["{ORIGINAL}"]', 'original = ["old.compas.test"]')
    text = text.replace(f'backend = ["{BACKEND}"]', 'backend = ["new.compas.test"]')
    server = f"127.0.0.1:{story.name_server.port}"
    story.file.write_text(text.replace("[dns]\n", f'[dns]\nresolvers = ["{server}"]\n'))
    update = story.name_server.new_update()
    update.replace("alias", 300, "CNAME", "old")
    story.name_server.send(update)
    story.switches()
    assert story.name_server.values("alias", "CNAME") == ["new.compas.test."]
    story.done("rollback", "--apply", "--because", "a trial")
    assert story.name_server.values("alias", "CNAME") == ["old.compas.test."]
    assert story.status().agrees


@pytest.mark.skipif(not bind.is_installed(), reason=bind.MISSING)
def test_there_and_back__name_server_is_bind9__is_the_same(story):
    zone = f"www 300 IN A {ORIGINAL}\nmail 300 IN A 127.0.0.9\nwww 300 IN TXT kept\n"
    zone += "shop 300 IN CNAME www\nold 300 IN CNAME shop\nelse 300 IN CNAME mail"
    with Bind9("compas.test.", zone) as server:
        octodns = story.pair.folder / "octodns.yaml"
        before = story.name_server.octodns()
        text = octodns.read_text()
        for name, value in server.octodns().items():
            text = text.replace(f"{name}: {json.dumps(before[name])}", f"{name}: {json.dumps(value)}")
        octodns.write_text(text)
        port = f'"127.0.0.1:{story.name_server.port}"'
        story.file.write_text(story.file.read_text().replace(port, f'"127.0.0.1:{server.port}"'))
        story.begins()
        assert "follow as well: old CNAME, shop CNAME\n" in story.done("cutover", "plan").stdout
        plan = story.plan()
        update = server.new_update()
        update.add("other", 300, "A", "127.0.0.8")
        server.send(update)
        said = story.done("cutover", "--apply", plan).stderr
        assert "since the plan, at ours: other A is new. None touches www.compas.test." in said
        assert server.values("www") == [BACKEND]
        story.done("rollback", "--apply", "--because", "a trial")
        assert (server.values("www"), server.values("mail")) == ([ORIGINAL], ["127.0.0.9"])
        assert server.values("www", "TXT") == ['"kept"']
