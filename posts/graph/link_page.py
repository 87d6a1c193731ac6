"""Reads what a link preview shows: the title and the image that a web page names."""

from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import IO
from urllib.parse import urljoin, urlsplit

PAGE_BYTES = 512 * 1024
TITLE_LENGTH = 300
IMAGE_PROPERTIES = ("og:image:secure_url", "og:image", "twitter:image")


@dataclass(frozen=True)
class LinkPage:
    """Empty where the page names nothing. `image` is an absolute http or https URL."""

    title: str
    image: str


def read_link_page(file: IO[bytes], url: str) -> LinkPage:
    """Return the title and image of the page in `file`, of which the first PAGE_BYTES are read. Never raises."""
    file.seek(0)
    parser = _HeadParser()
    text = file.read(PAGE_BYTES).decode("utf-8", "replace")
    with suppress(AssertionError, ValueError):  # what was read until then counts
        parser.feed(text)
    title = parser.named.get("og:title") or parser.title
    image = next((parser.named[name] for name in IMAGE_PROPERTIES if parser.named.get(name)), "")
    return LinkPage(" ".join(title.split())[:TITLE_LENGTH], _absolute(url, image))


def _absolute(base: str, image: str) -> str:
    try:
        url = urljoin(base, image.strip()) if image else ""
        return url if urlsplit(url).scheme in {"http", "https"} and len(url) <= 2048 else ""
    except ValueError:
        return ""


class _HeadParser(HTMLParser):
    """`named`: the first content of each `<meta property>` or `<meta name>`; `title`: the text of `<title>`."""

    def __init__(self) -> None:
        super().__init__()
        self.named: dict[str, str] = {}
        self.title = ""
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title" and not self.title:
            self._in_title = True
        elif tag == "meta":
            values = {name: value or "" for name, value in attrs}
            name = (values.get("property") or values.get("name") or "").lower()
            if name and values.get("content"):
                self.named.setdefault(name, values["content"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
