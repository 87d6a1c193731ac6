"""The browser's tests and the screenshots miss no page of the desk."""

from tests.browser.page_list import NOT_PAGES, PAGES, all_url_names, named_pages


def test_admin_urls_are_in_the_page_list() -> None:
    listed = set(PAGES) | NOT_PAGES
    assert all_url_names() - listed == set(), "give it a line in tests/browser/page_list.py"
    assert listed - all_url_names() == set(), "it is gone: take it out of tests/browser/page_list.py"


def test_no_two_pages_share_a_screenshot() -> None:
    names = [name for name, _ in named_pages()]
    assert len(names) == len(set(names))
