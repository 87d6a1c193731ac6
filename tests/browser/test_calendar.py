"""The calendar under hands: dragging asks, a key asks, a phone has a link; nothing moves before somebody says so."""

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, Page, expect

from accounts import clock
from scheduling.lifecycle import Status
from scheduling.models import ScheduledPost
from tests.browser.conftest import Desk
from tests.browser.sample_data import Scene

CALENDAR = "/admin/scheduling/scheduledpost/calendar/"
LISBON = ZoneInfo("Europe/Lisbon")  # where the scene's person lives
DROP = re.compile(r"\bdrop\b")


def the(scene: Scene, status: Status) -> ScheduledPost:
    return ScheduledPost.objects.get(pk=scene.posts[status].pk)


def entry(page: Page, post: ScheduledPost) -> Locator:
    return page.locator(f"[data-move*='{post.pk}']")


def drag(page: Page, what: Locator, onto: Locator) -> None:
    what.scroll_into_view_if_needed()
    start = what.bounding_box()
    assert start
    page.mouse.move(start["x"] + 12, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 30, start["y"] + 20, steps=2)
    onto.scroll_into_view_if_needed()  # a busy morning is taller than the window: people turn the wheel as they drag
    end = onto.bounding_box()
    assert end
    page.mouse.move(end["x"] + 20, end["y"] + 20, steps=4)
    expect(onto).to_have_class(DROP)
    page.mouse.up()


def test_dragging_a_scheduled_post_asks_and_the_reviewer_approves_its_new_day(desk: Desk, scene: Scene) -> None:
    page, post = desk(scene.person), the(scene, Status.SCHEDULED)
    local = post.scheduled_for.astimezone(LISBON)
    to = local.date() + timedelta(days=1 if local.weekday() < 6 else -1)  # of the same week, and still to come
    page.goto(f"{CALENDAR}?on={local.date()}")
    drag(page, entry(page, post), page.locator(f".month [data-day='{to}']"))
    page.wait_for_url("**/move/**")
    assert the(scene, Status.SCHEDULED).scheduled_for == post.scheduled_for
    page.get_by_role("button", name="Move it, and approve it for then").click()
    page.wait_for_url("**/calendar/**")
    page.goto(f"{CALENDAR}?view=day&on={to}")
    expect(entry(page, post)).to_contain_text(f"{local:%H:%M}")
    moved = the(scene, Status.SCHEDULED)
    assert moved.scheduled_for.astimezone(LISBON).date() == to
    assert (moved.status, moved.approval_id == post.approval_id) == (Status.SCHEDULED, False)


def test_dragging_within_a_week_changes_the_hour_and_a_drag_that_ends_nowhere_nothing(desk: Desk, scene: Scene) -> None:
    page, post = desk(scene.person), the(scene, Status.DRAFT)
    tomorrow = (clock.now().astimezone(LISBON) + timedelta(days=1)).replace(hour=10, minute=20, second=0, microsecond=0)
    ScheduledPost.objects.filter(pk=post.pk).update(scheduled_for=tomorrow)
    page.goto(f"{CALENDAR}?view=week&on={tomorrow.date()}")
    one, here = entry(page, post), page.url
    box = one.bounding_box()
    assert box
    page.mouse.move(box["x"] + 12, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 60, steps=3)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert page.url == here
    drag(page, one, page.locator(f"[data-day='{tomorrow.date()}'][data-hour='12']"))
    page.wait_for_url("**/move/**")
    expect(page.get_by_label("Move it to")).to_have_value(f"{tomorrow.date()}T12:20")
    page.get_by_role("link", name="Leave it where it is").click()
    page.wait_for_url(here)
    assert the(scene, Status.DRAFT).scheduled_for == tomorrow


def test_the_keyboard_and_a_phone_move_posts_as_well(desk: Desk, scene: Scene) -> None:
    post = the(scene, Status.WAITING_FOR_APPROVAL)
    where = f"{CALENDAR}?view=day&on={post.scheduled_for.astimezone(LISBON).date()}"
    page = desk(scene.person)
    page.goto(where)
    entry(page, post).locator(".entry-link").focus()
    page.keyboard.press("m")
    page.wait_for_url("**/move/**")
    phone = desk(scene.person, phone=True)
    phone.goto(where)
    entry(phone, post).get_by_role("link", name="Move").tap()
    phone.wait_for_url("**/move/**")
    phone.get_by_role("button", name="Approve it for then").tap()
    phone.wait_for_url("**/calendar/**")
    assert ScheduledPost.objects.get(pk=post.pk).status == Status.SCHEDULED
