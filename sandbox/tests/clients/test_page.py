"""What a person finds on a page."""

import pytest

from sandbox.clients.page import Page

PAGE = """
<a href="/studio">Studio</a> <a href="/c/1"><b>Luna</b> <i>beginner</i></a>
<form method="post" action="/studio"><input type="hidden" name="csrfmiddlewaretoken" value="t">
  <input type="radio" name="song" value="a"><input type="radio" name="song" value="b" checked>
  <input type="checkbox" name="keep"><input type="file" name="file"><select name="level"></select>
  <button>Make it</button></form>
<video src="/api/1/video#t=3" data-also="/video/1.mp4/"></video>
"""


def test_page__links_forms_and_videos__as_a_person_uses_them() -> None:
    page = Page(PAGE)
    assert page.link("Studio") == "/studio"
    form = page.form("Make it")
    assert (form.action, form.method) == ("/studio", "POST")
    assert form.fields == {"csrfmiddlewaretoken": "t", "song": "b", "level": ""}
    assert page.videos == ["/api/1/video", "/video/1.mp4/"]


def test_page__nothing_of_that_name__says_what_there_is() -> None:
    with pytest.raises(LookupError, match=r"no link 'Stage'; there are \['Studio'"):
        Page(PAGE).link("Stage")
    with pytest.raises(LookupError, match="no form with 'Delete'"):
        Page(PAGE).form("Delete")
