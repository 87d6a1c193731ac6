"""Notices sent by a real worker: whoever does not answer keeps no post from going out."""

from datetime import timedelta

import pytest

from accounts import clock
from accounts.domain import actors
from scheduling.domain import webhooks
from scheduling.models import Dispatch, ScheduledPost
from tests.services.processes import ProcessGroup, eventually
from tests.services.webhook_receiver import HANG, receiving

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def test_a_receiver_that_hangs_holds_up_no_post_of_a_worker_with_one_place(
    processes: ProcessGroup, make_scheduled, sandbox, facebook, organization, admin_member
):
    who = actors.person(admin_member)
    with receiving() as dead, receiving() as well:
        dead.answers = [HANG] * 1000
        for one in (dead, well):
            webhooks.add(who, organization=organization, url=one.url, kinds=["SUBMITTED", "APPROVED", "PUBLISHED"])
        post = make_scheduled(channels=[facebook], scheduled_for=clock.now() + timedelta(seconds=5))
        processes.worker("--pool", "threads", concurrency=1, beat=True, DYNAMO_SWEEP_INTERVAL="1")
        eventually(lambda: dead.calls, what="the call that hangs")
        eventually(lambda: ScheduledPost.objects.get(pk=post.pk).status == "PUBLISHED", what="published")
        told = Dispatch.objects.filter(webhook__url=well.url, state="SENT")
        eventually(lambda: told.count() == 3, what="the other receiver knows it all")
        assert len(well.calls) == 3
        assert Dispatch.objects.filter(webhook__url=dead.url, state="SENT").count() == 0
