"""The formulas give the figures of docs/scaling.md, and the page shows them to administrators only."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from dynamo import capacity

pytestmark = pytest.mark.embedded
SCALING = (Path(settings.BASE_DIR) / "docs" / "scaling.md").read_text(encoding="utf-8")
WEB = {"web_workers": 2, "web_threads": 8}
NUMBERS = {"one": 1, "two": 2, "four": 4}
URL = "/admin/capacity/"


def cells(heading: str) -> list[list[str]]:
    """Return the rows of the table below the line with this beginning."""
    lines = SCALING[SCALING.index(heading) :].splitlines()[2:]
    count = next(number for number, line in enumerate(lines) if not line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:count]]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_table_of_posts_a_day_is_what_the_formulas_give() -> None:
    rows = cells("| posts a day |")
    assert len(rows) == 4
    for posts, database, slots, _ in rows:
        needed = capacity.needed(number(posts), image=350_000, audit_days=365, **WEB)
        match = re.fullmatch(r"(\d+): (\w+) workers?", slots)
        assert match
        assert (database, int(match[1]), NUMBERS[match[2]]) == (
            capacity.format_bytes(needed.database), needed.slots, needed.publishing_workers,
        )  # fmt: skip


def test_constants_are_those_of_the_table_of_rows() -> None:
    sizes = [number(size) for _, _, size, _ in cells("| rows of a post |")[:-1]]
    assert sizes == [
        capacity.AUDIT_EVENTS, capacity.SEALS, capacity.API_EVENTS, capacity.NOTIFICATIONS, capacity.POST,
        capacity.PUBLISHED_POST,
    ]  # fmt: skip
    assert f"{capacity.PROCESS_MEMORY // 10**6} MB for each worker" in SCALING
    assert f"{capacity.CONNECTION_MEMORY // 10**6} MB for each connection" in SCALING
    assert f"{capacity.SECONDS_EACH} s ÷ 86,400" in SCALING


def test_connections_are_those_of_the_example() -> None:
    example = re.search(r"2 +\S 2 +\S 8 +\+ +3 +\S 8 +\+ +4 += (\d+)", SCALING)
    assert example
    assert capacity.connections(publishing=2, **WEB) == int(example[1])


def test_shorter_audit_log_and_larger_images_change_their_figures_only() -> None:
    usual = capacity.needed(1000, image=350_000, audit_days=365, **WEB)
    short = capacity.needed(1000, image=350_000, audit_days=90, **WEB)
    large = capacity.needed(1000, image=700_000, audit_days=365, **WEB)
    assert usual.database - short.database == 1000 * 275 * capacity.AUDIT_EVENTS
    assert (large.media, large.database, usual.media) == (2 * usual.media, usual.database, 1000 * 365 * 350_000)
    assert capacity.needed(1000, image=1, audit_days=9999, **WEB).database == usual.database


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (449_000, "0.4 MB"),
        (44_860_000, "45 MB"),
        (448_600_000, "0.4 GB"),
        (44_860_000_000, "45 GB"),
        (4.5e12, "4,500 GB"),
    ],
)
def test_sizes_are_rounded(size: int, text: str) -> None:
    assert capacity.format_bytes(size) == text


@pytest.mark.django_db
def test_administrator_gets_the_figures_and_no_sizes_of_all_organizations(
    signed_in, admin_member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYNAMO_WEB_WORKERS", "4")
    browser = signed_in(admin_member)
    page = browser.get(URL, {"posts": "100000", "image": "350", "audit_days": "365"}).content.decode()
    assert "449 GB" in page
    assert "12,775 GB" in page
    assert "DYNAMO_WEB_WORKERS=4" in page
    assert f"<dd>{2 * 4 * 8 + 5 * 8 + 6} to PostgreSQL: raise max_connections</dd>" in page
    assert "scheduling_scheduledpost" not in page
    assert "4.5 GB" in browser.get(URL).content.decode()  # 1,000 posts
    assert f'href="{URL}"' in browser.get("/admin/").content.decode()


@pytest.mark.django_db
def test_superuser_sees_the_sizes_of_today_on_postgresql(signed_in, admin_member) -> None:
    admin_member.is_superuser = True
    admin_member.save()
    page = signed_in(admin_member).get(URL).content.decode()
    assert ("Size with indexes" in page) == ("accounts_" in page) == (connection.vendor == "postgresql")


@pytest.mark.django_db
@pytest.mark.parametrize("posts", ["", "0", "-1", "1000001", "1.5", "many", "9" * 400, "\x00"])
def test_bad_input_is_a_form_error(signed_in, admin_member, posts: str) -> None:
    answer = signed_in(admin_member).get(URL, {"posts": posts, "image": "350", "audit_days": "365"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Please fix the marked fields" in page
    assert "Database after a year" not in page


@pytest.mark.django_db
def test_others_are_refused_and_a_post_is_not_allowed(signed_in, author, viewer, admin_member) -> None:
    assert [signed_in(user).get(URL).status_code for user in (author, viewer)] == [403, 403]
    assert signed_in(author).get("/admin/").content.decode().count(URL) == 0
    assert signed_in(admin_member).post(URL).status_code == 405
