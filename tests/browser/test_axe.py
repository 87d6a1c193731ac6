"""The judge finds what it is there for, in the scheme where it stands, and leaves nothing in the page."""

from accounts.models import User
from tests.browser.axe import Judge
from tests.browser.conftest import Desk

WORSEN = """() => {
  const place = document.querySelector("#content-main");
  place.prepend(Object.assign(document.createElement("input"), {type: "text"}));
  const pale = Object.assign(document.createElement("p"), {textContent: "Hardly to be read"});
  pale.style.color = "light-dark(#9aa, #fff)";
  const small = () => Object.assign(document.createElement("button"), {textContent: "·", className: "tiny"});
  place.prepend(pale, small(), small());
  for (const one of document.querySelectorAll(".tiny")) one.style.cssText = "all: unset; width: 8px; font-size: 8px";
}"""


def test_what_keeps_people_out_is_found(desk: Desk, reviewer: User) -> None:
    page, judge = desk(reviewer), Judge()
    page.goto("/admin/")
    assert judge.faults(page) == []
    page.evaluate(WORSEN)
    faults = judge.faults(page)
    assert {fault.split(" at ")[0] for fault in faults} == {"label", "target-size", "light: color-contrast"}
    assert page.evaluate("typeof axe") == "undefined"
