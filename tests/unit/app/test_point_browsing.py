"""Inside a recovery point: pages of folders, a search, and how much a choice is."""

import pytest

from holdfast.app.point_browsing import PointBrowser
from holdfast.files.restore.errors import SubpathMissing
from holdfast.fleet.questions import FolderWanted, SearchWanted, WeighWanted
from holdfast.storage.memory import MemoryStorage
from holdfast.testing.vaults import add_point, small_vault

FILES = {
    "srv/www/index.html": b"hello",
    "srv/www/Logo.png": b"12345678",
    "srv/www/css/site.css": b"body",
    "etc/hosts": b"127.0.0.1",
    ".holdfast/skipped.json": b"[]",
}


@pytest.fixture
def browser() -> PointBrowser:
    return PointBrowser(small_vault(MemoryStorage()))


@pytest.fixture
def point(browser: PointBrowser) -> str:
    return str(add_point(browser.repository, FILES).id)


def names(browser: PointBrowser, point: str, path: str, **more: object) -> list[str]:
    found = browser.folder(FolderWanted(point=point, path=path, **more))  # type: ignore[arg-type]
    return [one.name for one in found.items]


def test_folders_come_first_then_names_as_people_sort_them(
    browser: PointBrowser, point: str
) -> None:
    assert names(browser, point, "/srv/www") == ["css", "index.html", "Logo.png"]


def test_pages_of_a_folder_are_cut_from_the_order_that_is_wanted(
    browser: PointBrowser, point: str
) -> None:
    order = {"sort": "size", "descending": True}

    first = names(browser, point, "/srv/www", limit=1, **order)
    second = names(browser, point, "/srv/www", offset=1, limit=2, **order)

    assert (first, second) == (["Logo.png"], ["index.html", "css"])


def test_our_own_facts_are_no_files_of_the_machine(browser: PointBrowser, point: str) -> None:
    assert names(browser, point, "/") == ["etc", "srv"]


def test_page_and_filter_say_how_many_there_are(browser: PointBrowser, point: str) -> None:
    wanted = FolderWanted(point=point, path="/srv/www", name="O", offset=0, limit=1)

    found = browser.folder(wanted)

    assert [one.name for one in found.items] == ["Logo.png"]
    assert found.total == 1


def test_item_that_is_no_folder_is_shown_itself(browser: PointBrowser, point: str) -> None:
    found = browser.folder(FolderWanted(point=point, path="/etc/hosts"))

    assert [(one.path, one.size) for one in found.items] == [("/etc/hosts", 9)]


@pytest.mark.parametrize("path", ["/nowhere", "/etc/hosts/below", "/srv/www/css/none"])
def test_path_that_is_not_there_is_refused(browser: PointBrowser, point: str, path: str) -> None:
    with pytest.raises(SubpathMissing):
        browser.folder(FolderWanted(point=point, path=path))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("logo", ["/srv/www/Logo.png"]),
        ("*.css", ["/srv/www/css/site.css"]),
        ("?ogo*", ["/srv/www/Logo.png"]),
        # It is to fit from its beginning to its end.
        ("ogo*", []),
        ("?.css", []),
        ("[", []),
    ],
)
def test_search_finds_parts_of_names_and_patterns(
    browser: PointBrowser, point: str, text: str, found: list[str]
) -> None:
    answer = browser.search(SearchWanted(point=point, text=text))

    assert [one.path for one in answer.items] == found
    assert answer.is_complete


def test_search_that_has_found_enough_says_so(browser: PointBrowser, point: str) -> None:
    answer = browser.search(SearchWanted(point=point, text="s", limit=1))

    assert len(answer.items) == 1
    assert not answer.is_complete


def test_what_lies_in_another_choice_counts_once(browser: PointBrowser, point: str) -> None:
    weight = browser.weigh(WeighWanted(point=point, paths=["/srv/www", "/srv/www/css", "/none"]))

    assert (weight.files, weight.folders, weight.bytes) == (3, 2, 17)
    assert weight.missing == ["/none"]
    assert weight.is_complete


def test_whole_point_is_weighed_from_its_root(browser: PointBrowser, point: str) -> None:
    weight = browser.weigh(WeighWanted(point=point, paths=["/"]))

    assert weight.files == 4


def test_point_made_since_is_found_after_forgetting(browser: PointBrowser, point: str) -> None:
    names(browser, point, "/")
    later = str(add_point(browser.repository, {"new": b"1"}).id)

    browser.forget()

    assert names(browser, later, "/") == ["new"]
