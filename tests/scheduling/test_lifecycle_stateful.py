"""Random steps through lifecycle and publisher, against a model and the platform's record."""

import os
from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts import clock
from accounts.domain import actors
from accounts.exceptions import DomainError
from scheduling.domain import content, drafts, media_inspection, review, sweep
from scheduling.domain.drafts import ChannelText
from scheduling.domain.publishing import run
from scheduling.lifecycle import Status
from scheduling.models import Delivery, ScheduledPost

LEGAL = {
    "submit": {"DRAFT": "WAITING_FOR_APPROVAL", "REJECTED": "WAITING_FOR_APPROVAL"},
    "reject": {"WAITING_FOR_APPROVAL": "REJECTED"},
    "redraft": {"REJECTED": "DRAFT"},
}


@pytest.mark.django_db
def test_random_steps_never_publish_twice_or_unapproved(  # noqa: C901  a machine's rules are one class
    sandbox, key, reviewer, organization, facebook, instagram, seat, media
):
    judge, actor, channels = seat(reviewer, organization), actors.api_key_actor(key), [facebook, instagram]

    seen = Counter()

    class Walk(RuleBasedStateMachine):
        """`model`: where each post should be; `approved`: the captions that a person has approved."""

        posts = Bundle("posts")

        def __init__(self):
            super().__init__()
            sandbox.reset()
            sandbox.settings(duplicate_check=False)
            self.model, self.approved, self.pages, self.tasks, self.words = {}, {}, {}, {}, 0
            self.traveller = time_machine.travel(clock.now(), tick=True)
            self.clock = self.traveller.start()

        def teardown(self):
            self.traveller.stop()
            ScheduledPost.objects.filter(pk__in=self.model).update(status=Status.DRAFT, approval=None)
            ScheduledPost.objects.filter(pk__in=self.model).delete()
            type(facebook).objects.update(state="CONNECTED")

        def load(self, pk):
            return ScheduledPost.objects.select_related("organization").filter(pk=pk).first()

        def caption(self):
            self.words += 1
            return f"Words number {self.words}"

        def now_at(self, pk, status):
            self.model[pk] = status

        @rule(target=posts, which=st.sampled_from([(0,), (1,), (0, 1)]), minutes=st.integers(1, 30))
        def create(self, which, minutes):
            texts = {channels[i].public_id: ChannelText(channels[i].type, self.caption()) for i in which}
            changes = {
                "media": media, "media_type": "IMAGE", "channels": texts,
                "scheduled_for": clock.now() + timedelta(minutes=minutes),
            }  # fmt: skip
            post = drafts.create(actor, organization=organization, changes=changes)
            self.now_at(post.pk, "DRAFT")
            return post.pk

        # Every walk runs both initializers: the rules alone seldom reach publishing.
        @initialize(target=posts)
        def begin_with_a_commit(self):
            pk = self.create(which=(0,), minutes=5)
            self.a_person_says_yes_and_the_instant_comes(pk=pk)
            return pk

        @initialize(target=posts)
        def begin_with_a_lost_answer(self):
            pk = self.create(which=(0,), minutes=5)
            sandbox.fault("POST .*/feed", "drop_after")
            self.a_person_says_yes_and_the_instant_comes(pk=pk)
            self.its_worker_is_followed(pk=pk)
            return pk

        @rule(pk=posts, step=st.sampled_from(sorted(LEGAL)))
        def step(self, pk, step):
            post = self.load(pk)
            verb = {"submit": review.submit, "redraft": review.redraft}.get(step)
            try:
                review.reject(actor, post, notes="no") if verb is None else verb(actor, post)
            except DomainError:
                late = step == "submit" and post.scheduled_for <= clock.now()
                assert late or self.model[pk] not in LEGAL[step]
            else:
                self.now_at(pk, LEGAL[step][self.model[pk]])

        @rule(pk=posts)
        def look(self, pk):
            self.open(pk)

        def open(self, pk):
            if media_inspection.awaiting_inspection(self.load(pk)):
                media_inspection.inspect_media(str(pk), self.load(pk).version)
            self.pages[pk] = self.load(pk).revision, content.current_content(self.load(pk))[1]

        @rule(pk=posts, minutes=st.none() | st.integers(1, 20), at_once=st.booleans(), old=st.booleans())
        def approve(self, pk, minutes, at_once, old=False):
            if pk not in self.pages or not old:
                self.open(pk)
            post, page = self.load(pk), self.pages[pk]
            stale = page != (post.revision, content.current_content(post)[1])
            unknown = post.deliveries.filter(state="UNKNOWN").exists()
            instant = clock.now() + timedelta(minutes=minutes) if minutes else None
            try:
                approval = review.approve(
                    judge, post, revision=page[0], digest=page[1], scheduled_for=instant, now=at_once
                )
            except DomainError:
                due = (instant or post.scheduled_for) <= clock.now() and not at_once
                assert stale or due or unknown or self.model[pk] not in {"WAITING_FOR_APPROVAL", "FAILED"}
                return
            assert not stale
            assert not unknown
            assert self.model[pk] in {"WAITING_FOR_APPROVAL", "FAILED"}
            for public_id, channel in approval.content["channels"].items():
                self.approved.setdefault((pk, public_id), set()).add(channel["caption"])
            self.tasks.setdefault(pk, []).append(self.load(pk).task_id)
            self.now_at(pk, "SCHEDULED")

        @rule(pk=posts)
        def edit(self, pk):
            post = self.load(pk)
            texts = {
                delivery.channel.public_id: ChannelText(delivery.channel.type, self.caption())
                for delivery in post.deliveries.select_related("channel")
            }
            try:
                drafts.edit(actor, post, changes={"channels": texts})
            except DomainError:
                late = self.model[pk] == "WAITING_FOR_APPROVAL" and post.scheduled_for <= clock.now()
                assert late or self.model[pk] not in {"DRAFT", "REJECTED", "WAITING_FOR_APPROVAL"}
            else:
                assert self.model[pk] in {"DRAFT", "REJECTED", "WAITING_FOR_APPROVAL"}

        @rule(pk=posts)
        def revert(self, pk):
            live = Delivery.objects.filter(post=pk, state__in=["PUBLISHED", "UNKNOWN"]).exists()
            try:
                review.revert(actor, self.load(pk))
            except DomainError:
                assert self.model[pk] not in {"SCHEDULED", "FAILED"} or live
            else:
                assert not live
                self.now_at(pk, "DRAFT")

        @rule(seconds=st.sampled_from([0.5, 5, 40, 90, 400, 1200]))
        def time_passes(self, seconds):
            self.clock.shift(timedelta(seconds=seconds))

        @rule(pk=posts, again=st.integers(1, 3), which=st.integers(0, 5))
        def a_message_arrives(self, pk, again, which):
            known = self.tasks.get(pk, [])
            if not known:
                return
            post = self.load(pk)
            if post.status == "SCHEDULED" and 0 < (post.scheduled_for - clock.now()).total_seconds() < 2:
                self.clock.move_to(post.scheduled_for + timedelta(milliseconds=1))
            for _ in range(again):
                run.publish(str(pk), str(known[which % len(known)]))

        @rule(pk=posts)
        def a_person_says_yes_and_the_instant_comes(self, pk):
            if self.model[pk] in {"DRAFT", "REJECTED"}:
                self.step(pk=pk, step="submit")
            self.look(pk=pk)
            self.approve(pk=pk, minutes=None, at_once=True)
            self.a_message_arrives(pk=pk, again=2, which=len(self.tasks.get(pk, [0])) - 1)

        @rule(pk=posts)
        def its_worker_is_followed(self, pk):
            post = self.load(pk)
            if post.status == "PUBLISHING" and post.lease_expires_at is not None:
                self.clock.move_to(max(clock.now(), post.lease_expires_at) + timedelta(milliseconds=1))
            seen["followed"] += run.resume(str(pk)) != "void"

        @rule()
        def the_sweep_passes(self):
            sweep.miss_late()

        @rule(fault=st.sampled_from(["drop_after", "drop_before", "error_after", "html_502", "truncated_json"]))
        def the_platform_stumbles(self, fault):
            sandbox.fault("POST .*/(feed|media_publish)", fault)

        @invariant()
        def the_model_holds(self):
            published = {"SCHEDULED": {"SCHEDULED", "PUBLISHING", "PUBLISHED", "FAILED"}}
            published["PUBLISHING"] = {"PUBLISHING", "PUBLISHED", "FAILED"}
            for post in ScheduledPost.objects.filter(pk__in=self.model):
                seen[post.status] += post.status != self.model[post.pk]
                assert post.status in published.get(self.model[post.pk], {self.model[post.pk]})
                self.model[post.pk] = post.status

        @invariant()
        def nothing_is_visible_twice_or_unapproved(self):
            visible = sandbox.posts
            counted = Counter(item["message"] for item in visible)
            assert not [message for message, count in counted.items() if count > 1]
            yes = set().union(*self.approved.values()) if self.approved else set()
            assert counted.keys() <= yes

        @invariant()
        def published_is_visible_and_failed_has_a_reason(self):
            visible = {post["message"] for post in sandbox.posts}
            for delivery in Delivery.objects.filter(post__in=self.model).exclude(state=""):
                assert delivery.state != "PUBLISHED" or delivery.caption in visible
                assert delivery.state not in {"FAILED", "UNKNOWN"} or (delivery.error_message and delivery.error_code)

    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=int(os.environ.get("WALKS", "12")),
            stateful_step_count=40,
            deadline=None,
            derandomize="WALKS" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
    # Walks that never publish or never take a post over prove nothing.
    assert seen["PUBLISHED"] > 5
    assert seen["followed"] > 2
