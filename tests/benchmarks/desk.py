"""What a page of the desk takes with a hundred scheduled posts, and with a hundred thousand: the same person, the same
page, in this process, without the network. Worst of all for a list is what it must count, sort or search.
"""

import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.test import Client

from accounts import clock
from accounts.models import ApiKey, Membership, Organization, Role, User
from posts.models import Channel
from scheduling.domain.checking.alike import caption_key
from scheduling.lifecycle import Status
from scheduling.models import Approval, Delivery, ScheduledPost
from tests.benchmarks.report import Figure

FEW, BATCH, ROUNDS = 100, 5000, 7
STATES = [Status.WAITING_FOR_APPROVAL] * 5 + [Status.PUBLISHED] * 3 + [Status.DRAFT, Status.REJECTED]
SPAN = timedelta(days=365)
POSTS = "/admin/scheduling/scheduledpost/"
PAGES = {
    "the desk": "/admin/",
    "the queue": f"{POSTS}?status=WAITING_FOR_APPROVAL",
    "  its second page": f"{POSTS}?status=WAITING_FOR_APPROVAL&p=2",
    "  by its checks, until a page is full": f"{POSTS}?status=WAITING_FOR_APPROVAL&checks=open",
    "  of one channel": f"{POSTS}?status=WAITING_FOR_APPROVAL&channel={{channel}}",
    "  of one author": f"{POSTS}?status=WAITING_FOR_APPROVAL&author=key-{{key}}",
    "all posts": POSTS,
    "a word that all have": f"{POSTS}?q=terrace",
    "a word that one has": f"{POSTS}?q=needle",
    "a word that none has": f"{POSTS}?q=haystack",
    "a post under review": f"{POSTS}{{post}}/review/",
    "the calendar: a month": f"{POSTS}calendar/",
    "the calendar: a week": f"{POSTS}calendar/?view=week",
}
# With FEW most of their days are empty; with many each shows as much as it ever does: three posts, or an hour's.
FULLER = {"the calendar: a month": 4, "the calendar: a week": 4}


def measure(count: int) -> list[Figure]:
    """Return a figure per page: the least time with `count` posts beside that with FEW."""
    organization = Organization.objects.create(name="Desk")
    reader = User.objects.create_user("desk-bench", is_staff=True)
    member = Membership.objects.create(organization=organization, user=reader, role=Role.ADMIN, may_review=True)
    writer = User.objects.create_user("desk-writer")
    key = ApiKey.objects.create(organization=organization, name="agent", issued_by=writer, secret_encrypted="")
    channels = [
        Channel.objects.create(
            organization=organization, wire_id=f"{kind}_{number}", type=kind, platform_id=str(number),
            name=f"Channel {number}", token_encrypted="",
        )
        for number, kind in enumerate(("FB_PAGE", "INSTAGRAM_ACCOUNT"), 1)
    ]  # fmt: skip
    browser = Client(headers={"host": "localhost"})
    browser.force_login(reader)
    fill(member, key, channels, 0, FEW)
    first = ScheduledPost.objects.filter(organization=organization, status=Status.WAITING_FOR_APPROVAL)
    post = first.order_by("scheduled_for").first()
    pages = {name: way.format(channel=channels[0].pk, key=key.pk, post=post and post.pk) for name, way in PAGES.items()}
    few = times(browser, pages)
    fill(member, key, channels, FEW, count)
    many = times(browser, pages)
    return [
        Figure(
            name if name.startswith(" ") else f"desk: {name}",
            "grows with the rows" if number else "-",
            f"<= {FULLER.get(name, 1.3)} x",
            f"{many[name] / few[name]:.2f} x ({few[name] * 1000:.0f} ms, {many[name] * 1000:.0f} with {count:,})",
            many[name] <= FULLER.get(name, 1.3) * few[name],
        )
        for number, name in enumerate(pages)
    ]


def times(browser: Client, pages: dict[str, str]) -> dict[str, float]:
    """Return the least seconds of each page, taking turns: what else the machine does is in all the others."""
    taken: dict[str, list[float]] = {name: [] for name in pages}
    for number in range(ROUNDS + 1):
        for name, url in pages.items():
            began = time.perf_counter()
            answer = browser.get(url)
            if answer.status_code != 200:
                raise RuntimeError(f"{url} answered {answer.status_code}")
            if number:  # the first round warms up
                taken[name].append(time.perf_counter() - began)
    return {name: min(values) for name, values in taken.items()}


def fill(member: Membership, key: ApiKey, channels: list[Channel], start: int, end: int) -> None:
    """Write posts `start` to `end`, the later ones among the earlier ones in time; half of them wait."""
    approval = Approval.objects.first()
    now = clock.now()
    for begin in range(start, end, BATCH):
        posts = list(_posts(member, key, approval, now, range(begin, min(begin + BATCH, end))))
        ScheduledPost.objects.bulk_create([one for one in posts if approval or one.status != Status.PUBLISHED])
        if approval is None:
            approval = Approval.objects.create(
                post=posts[0], reviewer=member.user, session="", version=1, digest="", content={}
            )
            late = [one for one in posts if one.status == Status.PUBLISHED]
            for one in late:
                one.approval = approval
            ScheduledPost.objects.bulk_create(late)
        Delivery.objects.bulk_create(
            _delivery(post, channel, begin + n) for n, post in enumerate(posts) for channel in channels
        )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _posts(
    member: Membership, key: ApiKey, approval: Approval | None, now: datetime, numbers: range
) -> Iterator[ScheduledPost]:
    for number in numbers:
        status = STATES[number % len(STATES)]
        away = SPAN * ((number * 0.618034) % 1) + timedelta(hours=1)
        over = status == Status.PUBLISHED
        yield ScheduledPost(
            id=uuid.uuid4(),
            organization_id=member.organization_id,
            status=status,
            media=f"https://media.example/{number}.jpg",
            media_type="IMAGE",
            media_sha256=f"{number:064x}",
            scheduled_for=now - away if over else now + away,
            created_by_key=key,
            approval=approval if over else None,
        )


def _delivery(post: ScheduledPost, channel: Channel, number: int) -> Delivery:
    over = post.status == Status.PUBLISHED
    caption = f"The terrace is open again, for the {number}th time{', with a needle' if number == 7 else ''}. #terrace"
    return Delivery(
        post=post,
        organization_id=post.organization_id,
        channel=channel,
        caption=caption,
        caption_key=caption_key(caption),
        state="PUBLISHED" if over else "",
        live_id=f"{number}" if over else "",
        published_at=post.scheduled_for if over else None,
    )
