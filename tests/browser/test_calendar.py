"""Rescheduling on the calendar by mouse, keyboard and touch; nothing changes before the confirmation."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, expect

from accounts import clock
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost
from tests.browser.conftest import OpenAdmin
from tests.browser.sample_data import Scene

CALENDAR = "/admin/scheduling/scheduledpost/calendar/"
LISBON = ZoneInfo("Europe/Lisbon")  # the time zone of scene.person
DROP = re.compile(r"\bdrop\b")


def load_post(scene: Scene, status: Status) -> ScheduledPost:
    return ScheduledPost.objects.get(pk=scene.posts[status].pk)


def entry(page: Page, post: ScheduledPost) -> Locator:
    return page.locator(f"[data-move*='{post.pk}']")


def drag(page: Page, source: Locator, target: Locator) -> None:
    source.scroll_into_view_if_needed()
    start = source.bounding_box()
    assert start
    page.mouse.move(start["x"] + 12, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 30, start["y"] + 20, steps=2)
    target.scroll_into_view_if_needed()  # the target may be below the window
    end = target.bounding_box()
    assert end
    page.mouse.move(end["x"] + 20, end["y"] + 20, steps=4)
    expect(target).to_have_class(DROP)
    page.mouse.up()


def test_drag_scheduled_post_to_another_day(open_admin: OpenAdmin, scene: Scene) -> None:
    page, post = open_admin(scene.person), load_post(scene, Status.SCHEDULED)
    local = post.scheduled_for.astimezone(LISBON)
    to = local.date() + timedelta(days=1 if local.weekday() < 6 else -1)  # in the same week and in the future
    page.goto(f"{CALENDAR}?on={local.date()}")
    drag(page, entry(page, post), page.locator(f".month [data-day='{to}']"))
    page.wait_for_url("**/move/**")
    assert load_post(scene, Status.SCHEDULED).scheduled_for == post.scheduled_for
    page.get_by_role("button", name="Reschedule and approve").click()
    page.wait_for_url("**/calendar/**")
    page.goto(f"{CALENDAR}?view=day&on={to}")
    expect(entry(page, post)).to_contain_text(f"{local:%H:%M}")
    moved = load_post(scene, Status.SCHEDULED)
    assert moved.scheduled_for.astimezone(LISBON).date() == to
    assert (moved.status, moved.approval_id == post.approval_id) == (Status.SCHEDULED, False)


def test_drag_to_another_hour_and_cancel(open_admin: OpenAdmin, scene: Scene) -> None:
    page, post = open_admin(scene.person), load_post(scene, Status.DRAFT)
    tomorrow = (clock.now().astimezone(LISBON) + timedelta(days=1)).replace(hour=10, minute=20, second=0, microsecond=0)
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=tomorrow)
    page.goto(f"{CALENDAR}?view=week&on={tomorrow.date()}")
    dragged, url = entry(page, post), page.url
    box = dragged.bounding_box()
    assert box
    page.mouse.move(box["x"] + 12, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 60, steps=3)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert page.url == url
    drag(page, dragged, page.locator(f"[data-day='{tomorrow.date()}'][data-hour='12']"))
    page.wait_for_url("**/move/**")
    expect(page.get_by_label("New time")).to_have_value(f"{tomorrow.date()}T12:20")
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url(url)
    assert load_post(scene, Status.DRAFT).scheduled_for == tomorrow


def test_reschedule_by_keyboard_and_touch(open_admin: OpenAdmin, scene: Scene) -> None:
    post = load_post(scene, Status.WAITING_FOR_APPROVAL)
    url = f"{CALENDAR}?view=day&on={post.scheduled_for.astimezone(LISBON).date()}"
    page = open_admin(scene.person)
    page.goto(url)
    entry(page, post).locator(".entry-link").focus()
    page.keyboard.press("m")
    page.wait_for_url("**/move/**")
    phone = open_admin(scene.person, phone=True)
    phone.goto(url)
    entry(phone, post).get_by_role("link", name="Reschedule").tap()
    phone.wait_for_url("**/move/**")
    phone.get_by_role("button", name="Approve for this time").tap()
    phone.wait_for_url("**/calendar/**")
    assert ScheduledPost.objects.get(pk=post.pk).status == Status.SCHEDULED
