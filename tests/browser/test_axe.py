"""The accessibility checker finds violations and leaves nothing in the page."""

from accounts.models import User
from tests.browser.axe import AccessibilityChecker
from tests.browser.conftest import OpenAdmin

WORSEN = """() => {
  const place = document.querySelector("#content-main");
  place.prepend(Object.assign(document.createElement("input"), {type: "text"}));
  const pale = Object.assign(document.createElement("p"), {textContent: "Hardly to be read"});
  pale.style.color = "light-dark(#9aa, #fff)";
  const small = () => Object.assign(document.createElement("button"), {textContent: "·", className: "tiny"});
  place.prepend(pale, small(), small());
  for (const one of document.querySelectorAll(".tiny")) one.style.cssText = "all: unset; width: 8px; font-size: 8px";
}"""


def test_checker_finds_violations(open_admin: OpenAdmin, reviewer: User) -> None:
    page, checker = open_admin(reviewer), AccessibilityChecker()
    page.goto("/admin/")
    assert checker.violations(page) == []
    page.evaluate(WORSEN)
    violations = checker.violations(page)
    assert {violation.split(" at ")[0] for violation in violations} == {"label", "target-size", "light: color-contrast"}
    assert page.evaluate("typeof axe") == "undefined"
