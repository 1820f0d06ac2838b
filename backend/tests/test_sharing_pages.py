"""The pages of sharing: the owner's card, Discover, favourites, and what visitors and htmx get."""

import re
import uuid

import pytest
from django.test import Client

from apps.authentication.models import User
from apps.sharing import counting
from apps.sharing.likes import like
from apps.sharing.models import Favourite, Like, Share
from tests.sharing import kept_with_video, shared

HTMX = {"HX-Request": "true"}


def card(browser: Client, share: Share) -> str:
    page = browser.get(f"/collection/{share.pk}").content.decode()
    return page[page.index('id="share"') :]


def checked(text: str) -> str:
    return re.findall(r'value="(\w+)" checked', text)[0]


def link_in(text: str) -> str:
    found = re.search(r'id="link" type="text" value="http://testserver(/shared/[^"]+)"', text)
    return found[1] if found else ""


def test_card__of_a_private_one__has_no_link(api, ana):
    text = card(api, Share(pk=kept_with_video(ana).pk))
    assert (checked(text), link_in(text)) == ("private", "")
    assert not Share.objects.exists(), "to look decides nothing"


def test_card__chooses_the_link_copies_renews_and_revokes_it(api, ana):
    address = f"/collection/{kept_with_video(ana).pk}/share"
    text = api.post(address, {"visibility": "unlisted", "shows_name": "on"}, headers=HTMX).content.decode()
    link = link_in(text)
    assert checked(text) == "unlisted"
    assert 'data-copy="#link"' in text
    assert text.lstrip().startswith('<section class="card share" id="share"'), "the card alone"
    assert Client().get(link).status_code == 200
    renewed = link_in(api.post(address, {"do": "new-link"}, headers=HTMX).content.decode())
    assert [Client().get(each).status_code for each in (link, renewed)] == [404, 200]
    text = api.post(address, {"do": "revoke"}, headers=HTMX).content.decode()
    assert (checked(text), link_in(text)) == ("private", "")
    assert Client().get(renewed).status_code == 404


def test_card__without_htmx__comes_back_to_the_page(api, ana):
    kept = kept_with_video(ana)
    answer = api.post(f"/collection/{kept.pk}/share", {"visibility": "public"})
    assert (answer.status_code, answer["Location"]) == (302, f"/collection/{kept.pk}")
    share = Share.objects.get()
    assert (share.visibility, share.shows_name) == ("public", False), "an unticked box is not sent"
    assert "See it as everyone does" in card(api, share)


def test_discover__for_a_visitor__shows_dances_and_leads_to_the_login(ana):
    share = shared(ana, title="Sol <b>")
    page = Client().get("/public").content.decode()
    assert f'href="/public/{share.pk}"' in page
    assert "Sol &lt;b&gt;" in page
    assert 'href="/login?next=%2Fpublic"' in page
    assert re.findall(r'<form[^>]* action="([^"]+)"', page) == ["/look"], "a visitor has nothing else to send"
    assert "ana" not in page.replace("by Ana", "")


def test_discover__most_liked__keeps_its_order_from_page_to_page(api, ana):
    shares = [shared(ana, video=f"{number}.mp4", title=f"n{number}") for number in range(13)]
    like(user=ana, choreography_id=shares[5].pk)
    counting.sweep()
    first = Client().get("/public?sort=most_liked").content.decode()
    titles = re.findall(r"<h2>(n\d+)</h2>", first)
    more = re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")
    second = Client().get(more).content.decode()
    titles += re.findall(r"<h2>(n\d+)</h2>", second)
    assert (titles[0], sorted(titles)) == ("n5", sorted(f"n{number}" for number in range(13)))
    assert 'rel="prev"' in second
    assert Client().get("/public?cursor=x").status_code == 400
    assert Client().get("/public?sort=x").status_code == 200


def test_heart__is_pressed_and_counted_in_its_place(api, ben):
    share = shared(ben)
    text = api.post(f"/public/{share.pk}/like", {"like": "yes"}, headers=HTMX).content.decode()
    assert text.lstrip().startswith('<div class="hearts">')
    assert 'aria-pressed="true"' in text
    assert 'name="like" value="no"' in text
    assert Like.objects.get().choreography_id == share.pk
    text = api.post(f"/public/{share.pk}/like", {"like": "no"}, headers=HTMX).content.decode()
    assert 'name="like" value="yes"' in text
    assert not Like.objects.exists()


def test_heart__without_htmx__comes_back_to_where_it_was_pressed(api, ben):
    share = shared(ben)
    answer = api.post(f"/public/{share.pk}/like", {"like": "yes", "next": "/public?sort=newest"})
    assert (answer.status_code, answer["Location"]) == (302, "/public?sort=newest")
    elsewhere = api.post(f"/public/{share.pk}/like", {"next": "https://evil.example/"})
    assert elsewhere["Location"] == "/favourites"
    assert Like.objects.count() == 1


def test_star__puts_it_among_the_favourites_of_the_collection_and_takes_it_away(api, ben, ana):
    his, mine = shared(ben, title="Sol"), kept_with_video(ana, title="Luna")
    for key in (his.pk, mine.pk):
        text = api.post(f"/favourites/{key}", {"favourite": "yes"}, headers=HTMX).content.decode()
        assert 'name="favourite" value="no"' in text
    assert api.get("/favourites")["Location"] == "/collections/?show=favourites"
    page = api.get("/collection?show=favourites").content.decode()
    assert re.findall(r"<h2>(\w+)</h2>", page) == ["Luna", "Sol"]
    assert f'href="/collections/{mine.pk}/"' in page
    assert f'href="/public/{his.pk}"' in page
    assert page.count('class="heart"') == 1, "no heart on what is not public"
    api.post(f"/favourites/{his.pk}", {"favourite": "no"})
    assert Favourite.objects.get().choreography_id == mine.pk


@pytest.mark.parametrize("path", ["/favourites", "/favourites/{}", "/public/{}/like"])
def test_visitor__is_led_to_the_login(ben, path):
    address = path.format(shared(ben).pk)
    sent_from = {"Referer": "http://testserver/public?sort=newest"}
    answer = Client().get(address) if path == "/favourites" else Client().post(address, headers=sent_from)
    # A form's address shows no page, so the page comes back from which it was sent.
    back = address if path == "/favourites" else "/public%3Fsort%3Dnewest"
    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={back}")
    elsewhere = Client().post(f"/favourites/{uuid.uuid4()}", headers={"Referer": "https://evil.example/x"})
    assert elsewhere["Location"] == "/login?next=/"
    assert not Like.objects.exists()
    assert not Favourite.objects.exists()


def test_pages__of_others__name_no_owner_who_hides_it(api, ben):
    share = shared(ben)
    Share.objects.update(shows_name=False)
    User.objects.filter(pk=ben.pk).update(display_name="Benito")
    for address in ("/public", f"/public/{share.pk}"):
        assert "Benito" not in api.get(address).content.decode()


def test_collection__says_which_ones_others_see(api, ana):
    for visibility in ("public", "unlisted", "private"):
        shared(ana, visibility, video=f"{visibility}.mp4")
    found = re.findall(r'class="shared-with">([^<]+)<', api.get("/collection").content.decode())
    assert sorted(found) == ["Seen by everyone", "Seen by people with the link"]
