"""The light table: a visitor's own choice of pictures."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from demo_site.library.light_table import MOST
from demo_site.library.models import Artwork
from tests.pictures import make_artwork, make_embedded

pytestmark = pytest.mark.django_db

ADDRESS = "/light-table/"


def press(client: Client, button: str, artwork: Artwork, **options: Any) -> Any:
    return client.post(ADDRESS, {button: artwork.pk}, **options)


def examples(client: Client) -> list[tuple[str, bool]]:
    table = client.get(ADDRESS).context["light_table"]
    return [(example.artwork.title, example.mark.liked) for example in table.examples]


def found(client: Client) -> list[str]:
    return [picture.title for picture in client.get(ADDRESS).context["neighbours"]]


def test_an_empty_table_says_how_to_fill_it(client: Client) -> None:
    page = client.get(ADDRESS).content.decode()

    assert "stands under every picture" in page
    assert 'class="tally"' not in page
    assert "sessionid" not in client.cookies


def test_every_picture_has_a_button_in_the_collection_and_on_its_page(client: Client) -> None:
    artwork = make_artwork("Wave")

    for address in ("/", artwork.get_absolute_url()):
        page = client.get(address).content.decode()
        assert f'form="light-table" name="like" value="{artwork.pk}"' in page
        assert 'name="csrfmiddlewaretoken"' in page


def test_so_have_neighbours_on_a_picture_s_page_and_on_the_table_itself(client: Client) -> None:
    example, neighbour = make_embedded("Example"), make_embedded("Neighbour")
    button = f'form="light-table" name="like" value="{neighbour.pk}"'
    assert button in client.get(example.get_absolute_url()).content.decode()

    press(client, "like", example)

    for options in ({}, {"headers": {"X-Artsimilarity-Fragment": "1"}}):
        assert button in client.get(ADDRESS, **options).content.decode()


def test_what_is_found_says_which_colours_it_shares_with_the_examples(client: Client) -> None:
    for title in ("one", "two"):
        press(client, "like", make_embedded(title))
    make_embedded("found")

    page = client.get(ADDRESS).content.decode()

    assert 'role="img" aria-label="Shared colours: black"' in page


def test_pictures_lie_in_the_order_in_which_they_came_and_each_session_has_its_own(
    client: Client,
) -> None:
    second, first = make_artwork("Second"), make_artwork("First")
    press(client, "like", first)
    press(client, "like", second)
    press(client, "like", first)

    assert examples(client) == [("First", True), ("Second", True)]
    assert examples(Client()) == []


def test_every_page_counts_them(client: Client) -> None:
    press(client, "like", make_artwork("Wave"))

    for address in ("/", ADDRESS, "/upload/", "/nowhere/"):
        assert '<span class="tally">1<' in client.get(address).content.decode()


def test_a_picture_on_the_table_has_a_button_to_take_it_off(client: Client) -> None:
    artwork = make_artwork("Wave")
    press(client, "like", artwork)
    assert "Take off light table" in client.get(artwork.get_absolute_url()).content.decode()

    press(client, "remove", artwork)

    assert examples(client) == []
    assert "Add to light table" in client.get(artwork.get_absolute_url()).content.decode()


def test_a_picture_is_turned_to_unlike_and_back(client: Client) -> None:
    artwork = make_artwork("Wave")
    press(client, "like", artwork)

    press(client, "unlike", artwork)
    assert examples(client) == [("Wave", False)]
    press(client, "like", artwork)
    assert examples(client) == [("Wave", True)]


def test_the_table_is_cleared(client: Client) -> None:
    for number in range(3):
        press(client, "like", make_artwork(f"{number}"))

    client.post(ADDRESS, {"clear": "1"})

    assert examples(client) == []


def test_what_is_found_is_like_all_of_them_and_away_from_the_others(client: Client) -> None:
    left, right = make_embedded("left", [1, 0]), make_embedded("right", [0, 1])
    make_embedded("near left", [1, 0.1])
    make_embedded("between", [1, 1])
    press(client, "like", left)
    press(client, "like", right)
    assert found(client) == ["between", "near left"]

    press(client, "unlike", right)

    assert found(client) == ["near left", "between"]


def test_the_balance_holds_on_it(client: Client) -> None:
    press(client, "like", make_embedded("example", [1, 0], [1, 0]))
    make_embedded("same brush", [1, 0], [0, 1])
    make_embedded("same colours", [0, 1], [1, 0])

    by_colour = client.get(ADDRESS, {"style": "0"}).context["neighbours"]

    assert [picture.title for picture in by_colour] == ["same colours", "same brush"]
    assert found(client) == ["same brush", "same colours"]


def test_without_a_picture_to_like_it_asks_for_one(client: Client) -> None:
    press(client, "unlike", make_embedded("Wave"))
    make_embedded("Harbour")

    page = client.get(ADDRESS).content.decode()

    assert "Mark at least one picture" in page
    assert "Harbour" not in page


def test_it_holds_no_more_than_it_has_room_for(client: Client) -> None:
    for number in range(MOST):
        press(client, "like", make_artwork(f"{number}"))

    response = press(client, "like", make_artwork("One too many"), follow=True)

    assert f"The light table holds {MOST} pictures" in response.content.decode()
    assert len(examples(client)) == MOST


def test_a_picture_on_a_full_table_can_be_turned(client: Client) -> None:
    artworks = [make_artwork(f"{number}") for number in range(MOST)]
    for artwork in artworks:
        press(client, "like", artwork)

    press(client, "unlike", artworks[0])

    assert examples(client)[0] == ("0", False)


@pytest.mark.parametrize("counts", ["little", "usual", "much"])
def test_a_picture_counts_as_much_as_was_chosen(client: Client, counts: str) -> None:
    artwork = make_artwork("Wave")
    press(client, "unlike", artwork)

    press(client, counts, artwork)

    page = client.get(ADDRESS)
    (example,) = page.context["light_table"].examples
    assert (example.mark.liked, example.mark.counts) == (False, counts)
    assert re.search(
        rf'name="{counts}" value="{artwork.pk}" aria-pressed="true"', page.content.decode()
    )


def test_weights_decide_what_is_found(client: Client) -> None:
    left, right = make_embedded("left", [1, 0]), make_embedded("right", [0, 1])
    make_embedded("near left", [1, 0.3])
    make_embedded("near right", [0.3, 1])
    press(client, "like", left)
    press(client, "like", right)

    press(client, "much", left)
    assert found(client)[0] == "near left"
    press(client, "little", left)
    assert found(client)[0] == "near right"


def test_a_session_from_before_there_were_weights_is_understood(client: Client) -> None:
    liked, other = make_artwork("Liked"), make_artwork("Other")
    press(client, "like", liked)
    session = client.session
    session["light_table"] = {str(liked.pk): True, str(other.pk): False}
    session.save()

    assert examples(client) == [("Liked", True), ("Other", False)]


class TestToAScript:
    """What has changed alone is sent, by the ids of what it takes the place of."""

    def test_a_button_on_any_page_brings_itself_the_count_and_words(self, client: Client) -> None:
        artwork = make_artwork("Wave")
        answer = press(client, "like", artwork, headers={"X-Light-Table": "button"})
        html = answer.content.decode()
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
        assert f'id="table-{artwork.pk}" form="light-table" name="remove"' in html
        assert '<span class="tally">1<' in html
        assert "“Wave” is on the light table: 1 of 12 pictures." in html
        assert 'id="table-top"' not in html

    def test_a_button_on_the_table_brings_the_table_and_what_is_found(self, client: Client) -> None:
        make_embedded("Harbour", [1, 0.1])
        artwork = make_embedded("Wave", [1, 0])
        html = press(client, "like", artwork, headers={"X-Light-Table": "page"}).content.decode()
        for text in ('id="table-top"', 'id="alike"', "Harbour", "1 of 12 pictures"):
            assert text in html
        assert "<html" not in html

    def test_a_full_table_is_said_at_once_and_not_again_on_the_next_page(
        self, client: Client
    ) -> None:
        for number in range(MOST):
            press(client, "like", make_artwork(f"{number}"))
        headers = {"X-Light-Table": "button"}
        html = press(client, "like", make_artwork("Wave"), headers=headers).content.decode()
        assert "<p data-news data-error>The light table holds 12 pictures" in html
        assert 'name="like"' in html
        assert "The light table holds" not in client.get("/").content.decode()

    def test_a_hidden_picture_is_not_there(self, client: Client) -> None:
        hidden = make_artwork(published=False)
        assert press(client, "like", hidden, headers={"X-Light-Table": "page"}).status_code == 404


def test_buttons_work_before_the_rest_of_a_page_has_come(client: Client) -> None:
    page = client.get(make_embedded("one").get_absolute_url()).content.decode()
    assert page.index('<form id="light-table"') < page.index('form="light-table"')


class TestSharedByAddress:
    @pytest.fixture
    def pictures(self) -> list[Artwork]:
        """Two pictures, and one near each."""
        make_embedded("near left", [1, 0.1])
        make_embedded("near right", [0.1, 1])
        return [make_embedded("left", [1, 0]), make_embedded("right", [0, 1])]

    def test_the_address_holds_pictures_sides_weights_and_balance(
        self, client: Client, pictures: list[Artwork]
    ) -> None:
        left, right = pictures
        press(client, "like", left)
        press(client, "unlike", right)
        press(client, "much", right)

        page = client.get(ADDRESS, {"style": "0.6"})

        address = f"{ADDRESS}?like={left.pk}&unlike={right.pk}:much&style=0.6"
        assert page.context["address"] == f"http://testserver{address}"
        shown = Client().get(address)
        assert [(one.artwork.title, one.mark.words) for one in shown.context["table"].examples] == [
            ("left", "Like"),
            ("right", "Unlike, counts much"),
        ]
        assert shown.context["neighbours"][0].title == "near left"
        assert shown.context["style"] == 0.6

    def test_who_opens_it_keeps_the_own_table_until_the_other_is_taken_over(
        self, client: Client, pictures: list[Artwork]
    ) -> None:
        press(client, "like", make_artwork("own"))
        address = f"{ADDRESS}?like={pictures[0].pk}:little"

        html = client.get(address).content.decode()
        assert "A light table sent to you" in html
        assert "in place of the 1 picture there" in html
        assert examples(client) == [("own", True)]

        assert client.post(address, {"take_over": "1"})["Location"] == ADDRESS
        (example,) = client.get(ADDRESS).context["light_table"].examples
        assert (example.artwork.title, example.mark.counts) == ("left", "little")

    def test_who_opens_the_address_of_the_own_table_is_led_to_it(
        self, client: Client, pictures: list[Artwork]
    ) -> None:
        press(client, "unlike", pictures[1])
        press(client, "like", pictures[0])
        address = f"{ADDRESS}?like={pictures[0].pk}&unlike={pictures[1].pk}&style=0.5"
        assert client.get(address)["Location"] == f"{ADDRESS}?style=0.5"

    def test_what_the_visitor_may_not_see_is_not_told_from_what_never_was(
        self, client: Client, pictures: list[Artwork]
    ) -> None:
        hidden = make_embedded("hidden", [0.1, 1], published=False)
        pages = [
            client.get(f"{ADDRESS}?like={pictures[0].pk}&like={pk}") for pk in (hidden.pk, 10**6)
        ]
        texts = [
            re.sub(
                r'name="csrfmiddlewaretoken" value="\w+"|data-at="[\d.]+"', "", one.content.decode()
            )
            for one in pages
        ]
        assert texts[0].replace(str(hidden.pk), "?") == texts[1].replace(str(10**6), "?")
        assert "Not everything that this link names is here." in texts[0]
        assert [one.title for one in pages[0].context["neighbours"]] == [
            one.title
            for one in client.get(f"{ADDRESS}?like={pictures[0].pk}").context["neighbours"]
        ]

    def test_holds_no_more_than_a_table_has_room_for(self, client: Client) -> None:
        pks = [make_artwork(f"{number}").pk for number in range(MOST + 3)]
        page = client.get(f"{ADDRESS}?{'&'.join(f'like={pk}' for pk in pks)}")
        assert page.context["table"].count == MOST

    @pytest.mark.parametrize(
        "key",
        [
            *("9" * 5000, "9" * 19, "%00", "1%00", "-1", "1.5", "٣", "", "'"),
            *("1:", "1:huge", "1:much:much", ":much"),
        ],
    )
    @pytest.mark.parametrize("side", ["like", "unlike"])
    def test_hostile_addresses_show_what_else_they_name(
        self, client: Client, pictures: list[Artwork], side: str, key: str
    ) -> None:
        page = client.get(f"{ADDRESS}?like={pictures[0].pk}&{side}={key}")
        assert page.status_code == 200
        assert [one.artwork.title for one in page.context["table"].examples] == ["left"]
        alone = client.get(f"{ADDRESS}?{side}={key}")
        assert "None of the pictures that this link names is here." in alone.content.decode()

    def test_reads_each_table_once(
        self, client: Client, pictures: list[Artwork], django_assert_num_queries: Any
    ) -> None:
        press(client, "like", make_embedded("own"))
        address = f"{ADDRESS}?like={pictures[0].pk}"
        client.get(address)  # makes the thumbnails

        # Each of the two tables, the session, and five of a search that says why.
        with django_assert_num_queries(8):
            client.get(address)

    def test_one_of_which_nothing_is_left_takes_no_other_s_place(self, client: Client) -> None:
        hidden = make_artwork("Hidden", published=False)
        press(client, "like", make_artwork("Own"))
        client.post(f"{ADDRESS}?like={hidden.pk}", {"take_over": "1"})
        assert examples(client) == [("Own", True)]

    def test_an_address_that_names_thousands_is_refused(self, client: Client) -> None:
        query = "&".join(f"like={number}" for number in range(5000))
        assert client.get(f"{ADDRESS}?{query}").status_code == 400

    def test_taking_it_over_needs_the_form_s_token(self, pictures: list[Artwork]) -> None:
        strict = Client(enforce_csrf_checks=True)
        answer = strict.post(f"{ADDRESS}?like={pictures[0].pk}", {"take_over": "1"})
        assert answer.status_code == 403


class TestAPictureTakenDownSince:
    @pytest.fixture
    def hidden(self, client: Client) -> Artwork:
        """A picture that lies on the table, beside one that can be seen, and was hidden then."""
        artwork = make_embedded("Hidden", [0, 1])
        press(client, "like", artwork)
        press(client, "like", make_embedded("Seen", [1, 0]))
        Artwork.objects.filter(pk=artwork.pk).update(published=False)
        return artwork

    def test_neither_shows_nor_counts(self, client: Client, hidden: Artwork) -> None:
        page = client.get(ADDRESS).content.decode()
        assert "Hidden" not in page
        assert '<span class="tally">1<' in page
        assert f"1 of {MOST} pictures" in page

    def test_has_no_say_in_what_is_found(self, client: Client, hidden: Artwork) -> None:
        make_embedded("like the hidden one", [0.1, 1])
        make_embedded("like the one seen", [1, 0.2])
        assert found(client)[0] == "like the one seen"
        scores = [p.similarity_style for p in client.get(ADDRESS).context["neighbours"]]
        assert scores[0] == pytest.approx(1 / 1.04**0.5, abs=1e-3)

    def test_gives_its_room_to_others(self, client: Client, hidden: Artwork) -> None:
        for number in range(MOST - 1):
            press(client, "like", make_artwork(f"{number}"))
        assert len(examples(client)) == MOST

    def test_cannot_be_put_there_and_is_not_told_from_one_that_never_was(
        self, client: Client, hidden: Artwork
    ) -> None:
        for button in ("like", "unlike", "remove"):
            answers = [client.post(ADDRESS, {button: pk}) for pk in (hidden.pk, 10**6)]
            assert [answer.status_code for answer in answers] == [404, 404]

    def test_is_there_again_when_it_is_shown_again(self, client: Client, hidden: Artwork) -> None:
        Artwork.objects.filter(pk=hidden.pk).update(published=True)
        assert examples(client) == [("Hidden", True), ("Seen", True)]


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"like": ""},
        {"like": "x"},
        {"like": "-1"},
        {"like": "9" * 30},
        {"unlike": "\0"},
        {"much": "9" * 5000},
    ],
)
def test_odd_requests_are_no_server_error(client: Client, data: dict[str, str]) -> None:
    assert client.post(ADDRESS, data).status_code == 404


def test_changes_need_the_form_s_token() -> None:
    strict = Client(enforce_csrf_checks=True)

    assert press(strict, "like", make_artwork()).status_code == 403


@pytest.mark.parametrize(
    ("origin", "back"),
    [
        ("http://testserver/?q=wave&page=2#x", "http://testserver/?q=wave&page=2"),
        ("http://evil.example/", ADDRESS),
        ("javascript:alert(1)", ADDRESS),
        (None, ADDRESS),
    ],
)
def test_a_button_leads_back_to_the_page_it_stands_on_and_nowhere_else(
    client: Client, origin: str | None, back: str
) -> None:
    artwork = make_artwork()

    response = press(client, "like", artwork, headers={"Referer": origin} if origin else {})

    assert response["Location"] == f"{back}#table-{artwork.pk}"


def test_a_script_gets_the_list_alone(client: Client) -> None:
    press(client, "like", make_embedded("Wave"))
    make_embedded("other")

    fragment = client.get(ADDRESS, headers={"X-Artsimilarity-Fragment": "1"})

    assert fragment.content.strip().startswith(b'<div class="neighbours" id="alike">')
    assert b"other" in fragment.content


def test_the_table_costs_pages_one_query_and_the_session(
    client: Client, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        press(client, "like", make_artwork(f"{number}"))
    client.get("/")  # makes the thumbnails

    with django_assert_num_queries(7):
        client.get("/")
