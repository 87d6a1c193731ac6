"""What a page shows of a text: the page's text with the symbols of invisible characters turned back into them."""

from html.parser import HTMLParser

INSERTED = {"fold-mark", "real-host", "hidden-lines", "hidden-spaces"}  # what the page adds to a text
VOID = {"br", "hr", "img", "input", "link", "meta", "use", "source"}


class _Reader(HTMLParser):
    def __init__(self, *, skipped: set[str]) -> None:
        super().__init__()
        self.skipped, self.parts, self.stack = skipped, [], []  # type: ignore[var-annotated]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        attributes = {name: value or "" for name, value in attrs}
        classes = set(attributes.get("class", "").split())
        hidden = tag in {"script", "style", "title"} or bool(classes & (INSERTED | self.skipped))
        if "data-code" in attributes and not any(self.stack):
            self.parts.append(chr(int(attributes["data-code"], 16)) * int(attributes["data-count"]))
            hidden = True
        self.stack.append(hidden)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self.stack:
            self.stack.pop()

    def handle_data(self, data: str) -> None:
        if not any(self.stack):
            self.parts.append(data)


def compact(text: str) -> str:
    return "".join(text.split())


def shown_text(html: str, *, skipped: tuple[str, ...] = ()) -> str:
    """Return the text of the page without white space and without elements that have one of the classes `skipped`."""
    reader = _Reader(skipped=set(skipped))
    reader.feed(html)
    return compact("".join(reader.parts))
