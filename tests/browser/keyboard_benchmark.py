"""`make keyboard`: the minimum time to review fifty posts by keyboard."""

import time
from datetime import timedelta
from typing import Any

from playwright.sync_api import expect

from accounts import clock
from accounts.models import User
from scheduling.lifecycle import Status
from scheduling.models import Approval, ScheduledPost
from tests.browser.conftest import OpenAdmin
from tests.helpers import POSTS

COUNT = 50


def test_fifty_posts_by_keyboard(open_admin: OpenAdmin, make_waiting: Any, facebook: Any, reviewer: User) -> None:
    for number in range(COUNT):
        make_waiting(channels=[facebook], scheduled_for=clock.now() + timedelta(hours=1, minutes=number))
    page = open_admin(reviewer)
    page.goto(f"{POSTS}?status=WAITING_FOR_APPROVAL")
    page.keyboard.press("j")
    began = time.perf_counter()
    for key in ("o", *("a" * COUNT)):
        page.evaluate("new Promise((done) => setTimeout(done, 420))")  # keys.js: MIN_VISIBLE
        with page.expect_navigation(wait_until="load"):
            page.keyboard.press(key)
    took = time.perf_counter() - began
    expect(page.get_by_role("heading", level=1)).to_have_text("To approve")
    assert (Approval.objects.count(), ScheduledPost.objects.filter(status=Status.SCHEDULED).count()) == (COUNT, COUNT)
    print(f"\n{COUNT} posts, {COUNT + 2} keys: {took:.1f} s, {took / COUNT:.2f} s each, at least 0.42")
