"""axe-core judges pages by WCAG 2.2 AA and by its own best practices.

It lives in an isolated world of each page: the page's scripts and policy are the ones that people get, and neither
sees it. Names, roles, order and the size of targets are judged on every page; the colours wherever a text stands
that does not look, ground and all, exactly like one that this judge has seen already, in light and in dark.
"""

import json
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
OUTSIDE = {"exclude": ["#swagger-ui"]}  # the markup and colours of Swagger UI are a third party's
COLOURS = ["color-contrast", "link-in-text-block"]
STRUCTURE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {colour: {"enabled": False} for colour in COLOURS},  # judged apart, by `NEW_COLOURS`
    "resultTypes": ["violations"],
    "preload": False,
}
# How a text looks: its own colour and size, and the grounds that it stands on, as far up as there are any.
NEW_COLOURS = """async (seen, rules) => {
  const known = new Set(seen), fresh = [];
  const ground = (style) => [style.backgroundColor, style.backgroundImage, style.opacity, style.filter].join();
  const grounds = (one) => {
    const above = one.parentElement ? grounds(one.parentElement) : "";
    const style = getComputedStyle(one), own = ground(style);
    return own === "rgba(0, 0, 0, 0),none,1,none" ? above : `${above}/${own}${style.position}`;
  };
  for (const one of document.body.querySelectorAll("*")) {
    const texts = [...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!(texts || one.matches("input, select, textarea")) || !one.checkVisibility()) continue;
    if (one.closest("#swagger-ui")) continue;
    const style = getComputedStyle(one);
    const key = [
      style.color, style.fontSize, style.fontWeight, style.textDecorationLine, style.position, one.matches("a"),
      getComputedStyle(one.parentElement).color, grounds(one),
    ].join("|");
    if (!known.has(key)) fresh.push(one);
    known.add(key);
  }
  const how = {runOnly: rules, resultTypes: ["violations"], preload: false};
  const {violations} = fresh.length ? await axe.run({include: fresh}, how) : {violations: []};
  return [violations, [...known]];
}"""


class Judge:
    """Judges one page after the other. What it has seen of colours, it does not judge again."""

    def __init__(self) -> None:
        self.seen: dict[str, list[str]] = {scheme: [] for scheme in SCHEMES}

    def faults(self, page: Page) -> list[str]:
        """Return what is wrong with the page as it is now, in both colour schemes. Leaves the page dark."""
        world = _World(page)
        found = world.run(
            f"axe.run({json.dumps(OUTSIDE)}, {json.dumps(STRUCTURE)}).then(({{violations}}) => violations.filter("
            '(rule) => rule.id !== "landmark-no-duplicate-main" || !document.querySelector("#swagger-ui")))'
        )  # Swagger UI brings a main landmark of its own
        wrong = list(_told(found))
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            new = f"({NEW_COLOURS})({json.dumps(self.seen[scheme])}, {json.dumps(COLOURS)})"
            found, self.seen[scheme] = world.run(new)
            wrong += [f"{scheme}: {words}" for words in _told(found)]
        return wrong


class _World:
    """A world of its own in the page, with axe in it."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        frame = self.session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        made = self.session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
        self.context = made["executionContextId"]
        self.run(f"{AXE_SCRIPT}; 0")

    def run(self, script: str) -> Any:
        asked = {"expression": script, "contextId": self.context, "awaitPromise": True, "returnByValue": True}
        answer = self.session.send("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"]["value"]


def _told(found: list[Any]) -> list[str]:
    return [
        f"{rule['id']} at {' '.join(map(str, node['target']))}: "
        + "; ".join(check["message"] for kind in ("any", "all", "none") for check in node[kind])
        for rule in found
        for node in rule["nodes"]
    ]
