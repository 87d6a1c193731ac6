"""The comments of the demo's posts."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from dynamo.demo.seed import seed
from posts.domain import comments, sync
from posts.domain.comment_export import Export
from posts.models import Channel, PublishedPost
from tests.services.sandbox import SandboxControl

pytestmark = pytest.mark.embedded


def test_demo_posts_have_the_comments_that_they_count_p3(
    sandbox: SandboxControl, db: None, settings: Any, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path
    seed()
    for channel in Channel.objects.all():
        sync.sync(channel)
        posts = list(channel.published_posts.order_by("published_at"))
        assert len(posts) > 10
        for post in posts:
            page = comments.read_page(channel, post.platform_id, limit=100)
            assert (len(page.items), page.next_cursor) == (post.comments, None)
        assert sum(1 for post in posts if post.comments) > 10
        check_conversation(posts[-1])


def check_conversation(post: PublishedPost) -> None:
    """The newest post has replies of the channel, a deleted author, an emoji and a formula, which the file defuses."""
    shown = comments.read_page(post.channel, post.platform_id, limit=100).items
    own = [comment for comment in shown if comment.author and comment.author.id == post.channel.platform_id]
    assert {comment.parent_id for comment in own} <= {comment.id for comment in shown}
    assert len(own) == 2
    deleted = next(comment for comment in shown if "guitar" in comment.text)
    assert deleted.author is None or deleted.author.id is None
    assert any("❤️" in comment.text for comment in shown)
    assert any(comment.text.startswith("=HYPERLINK(") for comment in shown)
    content = b"".join(Export(post.channel, post.platform_id)).decode("utf-8-sig")
    texts = [row["text"] for row in csv.DictReader(io.StringIO(content, newline=""))]
    assert len(texts) == post.comments
    assert sum(text.startswith("'=HYPERLINK(") for text in texts) == 1
