"""The brief is never sent to the platform."""

from http.client import HTTPConnection
from typing import Any

import pytest

from scheduling.domain.publishing import run, stage
from scheduling.models import ScheduledPost


@pytest.mark.parametrize("kind", [{}, {"media": "film.mp4", "media_type": "VIDEO", "type": "REEL"}])
def test_brief_is_not_sent_to_the_platform(
    make_scheduled, travel, sandbox, monkeypatch: pytest.MonkeyPatch, kind: dict[str, str]
) -> None:
    sent = bytearray()
    send = HTTPConnection.send

    def listen(self: HTTPConnection, data: Any) -> None:
        sent.extend(bytes(data) if isinstance(data, bytes | bytearray | memoryview) else b"")
        send(self, data)

    monkeypatch.setattr(HTTPConnection, "send", listen)
    if "media" in kind:
        kind = {**kind, "media": sandbox.media(kind["media"])}
    post = make_scheduled(brief="Zwieback, between us", **kind)
    travel(post)
    stage.prestage(str(post.pk))
    run.publish(str(post.pk), str(post.task_id))
    for _ in range(5):
        run.resume(str(post.pk))

    stored = ScheduledPost.objects.get(pk=post.pk)
    assert stored.brief == "Zwieback, between us"
    assert b"casadosol" in bytes(sent) or b"Ol%C3%A1" in bytes(sent)
    assert b"Zwieback" not in bytes(sent)
    assert "Zwieback" not in str(sandbox.posts)
    assert not stored.approval or "Zwieback" not in str(stored.approval.content)
