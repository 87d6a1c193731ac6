"""The browser's tests and the screenshots miss no page of the desk."""

from tests.browser.page_list import NOT_PAGES, PAGES, named, on_the_map


def test_admin_urls_are_in_the_page_list() -> None:
    listed = set(PAGES) | NOT_PAGES
    assert on_the_map() - listed == set(), "give it a line in tests/browser/page_list.py"
    assert listed - on_the_map() == set(), "it is gone: take it out of tests/browser/page_list.py"


def test_no_two_pages_share_a_screenshot() -> None:
    names = [name for name, _ in named()]
    assert len(names) == len(set(names))
