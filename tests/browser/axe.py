"""Checks pages with axe-core for WCAG 2.2 AA and its best practices.

axe runs in an isolated world, so neither the page's scripts nor its Content-Security-Policy are affected. Structure is
checked on every page. Colours, in light and dark, are checked only for combinations of text style and backgrounds
that this checker has not seen before, because that check is slow.
"""

import json
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
SCOPE = {"exclude": ["#swagger-ui"]}  # third-party markup
COLOURS = ["color-contrast", "link-in-text-block"]
STRUCTURE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {colour: {"enabled": False} for colour in COLOURS},  # checked separately by NEW_COLOURS
    "resultTypes": ["violations"],
    "preload": False,
}
# Checks elements whose text style and stack of backgrounds were not seen before; returns violations and seen keys.
NEW_COLOURS = """async (seen, rules) => {
  const known = new Set(seen), fresh = [];
  const background = (style) => [style.backgroundColor, style.backgroundImage, style.opacity, style.filter].join();
  const backgrounds = (element) => {
    const above = element.parentElement ? backgrounds(element.parentElement) : "";
    const style = getComputedStyle(element), own = background(style);
    return own === "rgba(0, 0, 0, 0),none,1,none" ? above : `${above}/${own}${style.position}`;
  };
  for (const element of document.body.querySelectorAll("*")) {
    const texts = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!(texts || element.matches("input, select, textarea")) || !element.checkVisibility()) continue;
    if (element.closest("#swagger-ui")) continue;
    const style = getComputedStyle(element);
    const key = [
      style.color, style.fontSize, style.fontWeight, style.textDecorationLine, style.position, element.matches("a"),
      getComputedStyle(element.parentElement).color, backgrounds(element),
    ].join("|");
    if (!known.has(key)) fresh.push(element);
    known.add(key);
  }
  const options = {runOnly: rules, resultTypes: ["violations"], preload: false};
  const {violations} = fresh.length ? await axe.run({include: fresh}, options) : {violations: []};
  return [violations, [...known]];
}"""


class AccessibilityChecker:
    """Checks pages; `seen` are the colour keys already checked, by scheme."""

    def __init__(self) -> None:
        self.seen: dict[str, list[str]] = {scheme: [] for scheme in SCHEMES}

    def violations(self, page: Page) -> list[str]:
        """Return the violations on the page in its present state, in both schemes. Leaves the page dark."""
        world = _IsolatedWorld(page)
        result = world.run(
            f"axe.run({json.dumps(SCOPE)}, {json.dumps(STRUCTURE)}).then(({{violations}}) => violations.filter("
            '(rule) => rule.id !== "landmark-no-duplicate-main" || !document.querySelector("#swagger-ui")))'
        )  # Swagger UI brings a main landmark of its own
        messages = list(_format_violations(result))
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            new = f"({NEW_COLOURS})({json.dumps(self.seen[scheme])}, {json.dumps(COLOURS)})"
            result, self.seen[scheme] = world.run(new)
            messages += [f"{scheme}: {message}" for message in _format_violations(result)]
        return messages


class _IsolatedWorld:
    """An isolated JavaScript world of the page, with axe loaded."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        frame = self.session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = self.session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})
        self.context = world["executionContextId"]
        self.run(f"{AXE_SCRIPT}; 0")

    def run(self, script: str) -> Any:
        params = {"expression": script, "contextId": self.context, "awaitPromise": True, "returnByValue": True}
        response = self.session.send("Runtime.evaluate", params)
        assert "exceptionDetails" not in response, response["exceptionDetails"]
        return response["result"]["value"]


def _format_violations(violations: list[Any]) -> list[str]:
    return [
        f"{rule['id']} at {' '.join(map(str, node['target']))}: "
        + "; ".join(check["message"] for kind in ("any", "all", "none") for check in node[kind])
        for rule in violations
        for node in rule["nodes"]
    ]
