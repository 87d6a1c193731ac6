"""Reads what a link preview shows: the title and the image that a web page names."""

import codecs
import re
from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import IO
from urllib.parse import urljoin, urlsplit

from posts.graph import parsing

PAGE_BYTES = 512 * 1024
TITLE_LENGTH = 300
HEAD_BYTES = 1024
HTML = re.compile(
    rb"(?:\xef\xbb\xbf|\s|<!--(?:(?!-->).)*-->|<\?[^>]*>)*<(?:!doctype\s+html|(?:html|head|title|meta|link|script|style|body)\b)",
    re.IGNORECASE | re.DOTALL,
)
HTML_TYPES = ("text/html", "application/xhtml+xml")
BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
UTF16 = (b"\xff\xfe", b"\xfe\xff")
CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w-]+)", re.ASCII | re.IGNORECASE)
META_CHARSET = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
# The character sets of pages. Python has other codecs, some of which are slow for a hostile page.
CHARSETS = re.compile(
    r"utf-?8|utf-?16(le|be)?|iso-?8859-?\d+|windows-\d+|cp125\d|koi8-[ru]|gbk|gb2312|gb18030|big5|shift_jis|euc-(jp|kr)",
    re.IGNORECASE,
)
IMAGE_PROPERTIES = ("og:image:secure_url", "og:image", "twitter:image")


@dataclass(frozen=True)
class LinkPage:
    """Empty where the page names nothing. `image` is an absolute http or https URL."""

    title: str
    image: str


def is_page(file: IO[bytes], content_type: str) -> bool:
    """Whether the content is HTML: by its beginning, or as `content_type` states, unless it is binary."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    is_declared = content_type.partition(";")[0].strip().lower() in HTML_TYPES
    return bool(HTML.match(head) or (is_declared and (head.startswith(UTF16) or not BINARY.search(head))))


def read_link_page(file: IO[bytes], url: str, content_type: str = "") -> LinkPage:
    """Return the title and image of the page in `file`, of which the first PAGE_BYTES are read. Never raises."""
    file.seek(0)
    parser = _HeadParser()
    content = file.read(PAGE_BYTES)
    text = content.decode(_charset(content, content_type), "replace")
    with suppress(AssertionError, ValueError):  # what was read until then counts
        parser.feed(text)
    title = parser.named.get("og:title") or parser.title
    image = next((parser.named[name] for name in IMAGE_PROPERTIES if parser.named.get(name)), "")
    return LinkPage(" ".join((parsing.text(title) or "").split())[:TITLE_LENGTH], _absolute(url, image))


def _charset(content: bytes, content_type: str) -> str:
    """Return the character set: of the byte order mark, else as the header states, else as the page does."""
    if content.startswith(UTF16):
        return "utf-16"
    stated = CHARSET.search(content_type)
    in_page = META_CHARSET.search(content[:HEAD_BYTES])
    name = stated[1] if stated else in_page[1].decode("ascii", "replace") if in_page else ""
    if content.startswith(codecs.BOM_UTF8) or not CHARSETS.fullmatch(name):
        return "utf-8-sig"
    try:
        return codecs.lookup("cp1252" if name.lower() == "iso-8859-1" else name).name  # as browsers do
    except LookupError:
        return "utf-8-sig"


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
