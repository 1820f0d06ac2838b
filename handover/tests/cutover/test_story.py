"""The whole way there and back as an operator types it."""

from handover_testing.night import BACKEND, ORIGINAL


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
