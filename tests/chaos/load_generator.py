"""The clients of a fault run: a key that drafts, a reviewer who approves, a user who reverts at the last moment."""

import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import close_old_connections, connection

from accounts import clock
from accounts.domain import actors, api_keys
from accounts.exceptions import DomainError
from accounts.models import ApiKey, Membership, Organization, Role, User
from posts.domain import channels
from posts.models import Channel
from scheduling.domain import drafts, media_inspection, review
from scheduling.domain.drafts import ChannelText, Medium
from scheduling.models import ScheduledPost
from tests.chaos.scenarios import Plan, Planned
from tests.helpers import approve, as_reviewer
from tests.services.sandbox import PlatformAccount, SandboxControl

LEAD = timedelta(seconds=14)  # how long before its instant a post is approved
PATIENCE = 200


@dataclass
class Crowd:
    """Makes what the plan says, when it says so. `posts`: ids by plan number; `reverted`: whose revert succeeded."""

    plan: Plan
    sandbox: SandboxControl
    media_url: str
    run: str = field(default_factory=lambda: secrets.token_hex(3))
    posts: dict[int, str] = field(default_factory=dict)
    reverted: set[int] = field(default_factory=set)
    edits_refused: int = 0

    def settle_in(self, count: int) -> None:
        """Make the organization, its people, its key, and `count` channels, half of each platform."""
        self.organization = Organization.objects.create(name="Casa do Sol")
        author = User.objects.create_user("author", password="author", is_staff=True)
        Membership.objects.create(organization=self.organization, user=author, role=Role.EDITOR)
        person = User.objects.create_user("reviewer", password="reviewer", is_staff=True)
        Membership.objects.create(organization=self.organization, user=person, role=Role.VIEWER, may_review=True)
        self.key: ApiKey = api_keys.create_api_key(
            actors.user_actor(author), organization=self.organization, name="agent"
        )[0]
        self.actor = actors.api_key_actor(self.key)
        self.channels: list[Channel] = []
        for number in range(count):
            kind = "FB_PAGE" if number % 2 == 0 else "INSTAGRAM_ACCOUNT"
            account = PlatformAccount(kind, str(10_000_000 + number), f"Channel {number}", secrets.token_hex(16))
            self.sandbox.register(account)
            given = {"type": kind, "platform_id": account.id, "name": account.name, "token": account.token}
            channel = channels.connect(actors.user_actor(author), organization=self.organization, **given)
            self.channels.append(channel)
        person.raw_password = "reviewer"  # type: ignore[attr-defined]
        self.reviewer = as_reviewer(person, self.organization)

    def make(self, planned: Planned) -> None:
        """Draft, submit and approve one post, however often the database is torn away meanwhile."""
        for _ in range(PATIENCE):
            try:
                self._make_once(planned)
                return
            except DomainError:
                return  # too late to approve: the plan's instant has passed meanwhile
            except Exception:  # noqa: BLE001  the database may be gone at this moment: that is the fault under test
                connection.close()
                time.sleep(0.2)

    def _make_once(self, planned: Planned) -> None:
        if planned.number not in self.posts:
            texts = {}
            for index in planned.channels:
                text = f"A post #{planned.number} of run {self.run} for {index}"
                texts[self.channels[index].public_id] = ChannelText(self.channels[index].type, text)
            changes: drafts.Changes = {
                "media": f"{self.media_url}/{planned.picture}.jpg" if planned.picture else self.sandbox.url,
                "media_type": "IMAGE" if planned.picture else None,
                "media_items": [
                    Medium(f"{self.media_url}/{name}.jpg", "IMAGE", f"{name}, item {number}" * planned.described)
                    for number, name in enumerate(planned.items)
                ],
                "alt_text": f"A {planned.picture}"
                if planned.described and planned.picture and not planned.items
                else "",
                "scheduled_for": planned.instant,
                "channels": texts,
            }
            post = drafts.create(self.actor, organization=self.organization, changes=changes, submit=True)
            self.posts[planned.number] = str(post.pk)
        post = ScheduledPost.objects.get(pk=self.posts[planned.number])
        if media_inspection.awaiting_inspection(post):
            media_inspection.inspect_media(str(post.pk), post.version)
        if post.status == "WAITING_FOR_APPROVAL":
            approve(self.reviewer, post)

    def meddle(self, planned: Planned) -> None:
        """Revert at the last moment, and try to edit what is approved; remember what succeeded."""
        post_id = self.posts.get(planned.number)
        if post_id is None:
            return
        post = ScheduledPost.objects.filter(pk=post_id).first()
        if post is None:
            return
        try:
            drafts.edit(self.actor, post, changes={"media": self.sandbox.media("swapped.jpg")})
        except DomainError:
            self.edits_refused += 1
        try:
            review.revert(self.actor, post)
        except DomainError:
            return
        self.reverted.add(planned.number)

    def act(self, until: threading.Event) -> None:
        """Work through the plan on the clock until it is through, or `until` is set."""
        due = sorted(self.plan.posts, key=lambda one: one.instant)
        reverts = sorted(
            (item for item in due if item.revert_before is not None),
            key=lambda one: one.instant - timedelta(seconds=one.revert_before or 0),
        )
        took = timedelta(0)
        while (due or reverts) and not until.is_set():
            close_old_connections()
            now = clock.now()
            while reverts and reverts[0].instant - timedelta(seconds=reverts[0].revert_before or 0) <= now:
                self.meddle(reverts.pop(0))
                now = clock.now()
            if due and due[0].instant - took <= now:
                due.pop(0)  # it cannot be ready: on a slow machine the crowd would never catch up
                took *= 0.9
            elif due and due[0].instant - LEAD <= now:
                self.make(due.pop(0))
                took = clock.now() - now
            else:
                time.sleep(0.02)
