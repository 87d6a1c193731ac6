"""One publisher against the sandbox, with the states that it saved."""

import hashlib
import urllib.request
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from accounts import clock
from posts.domain.media_store import SIGNER
from posts.graph.errors import GraphError
from posts.graph.publishers import PUBLISHERS, Account, LookupResult, LookupStatus, PostPayload, Staged, StoredMedia
from tests.services.sandbox import PlatformAccount, SandboxControl

ABSENT, PENDING = LookupResult(LookupStatus.NOT_FOUND), LookupResult(LookupStatus.PROCESSING)
UNCLEAR = LookupResult(LookupStatus.UNKNOWN)
LONG_AGO = timedelta(hours=2)


@dataclass
class Stage:
    sandbox: SandboxControl
    platform_account: PlatformAccount
    saved: list[Staged] = field(default_factory=list)

    def __post_init__(self) -> None:
        one = self.platform_account
        self.account = Account(one.type, one.id, one.token)
        self.publisher = PUBLISHERS[one.type]
        self.began = clock.now()

    def item(
        self, kind: str = "POST", caption: str = "Olá 👋", media: str | None = None, media_type: str | None = None
    ) -> PostPayload:
        """Return an item whose media is stored as it is served now."""
        if not media or not media_type:
            return PostPayload(kind, caption, media, media_type, "")
        with urllib.request.urlopen(media, timeout=10) as response:
            data = response.read()
        name = default_storage.save("stage/media", ContentFile(data))
        served = "video/mp4" if data[4:8] == b"ftyp" else "image/jpeg"
        path = reverse("public_media", args=[f"{SIGNER.sign_object(name)}/{name.rpartition('/')[2]}"])
        stored = StoredMedia(name, served, len(data), f"{settings.PUBLIC_URL}{path}")
        return PostPayload(kind, caption, media, media_type, hashlib.sha256(data).hexdigest(), stored)

    def image(self, kind: str = "POST", **more: Any) -> PostPayload:
        return self.item(kind, media=self.sandbox.media("terrace.jpg"), media_type="IMAGE", **more)

    def video(self, kind: str = "POST", **more: Any) -> PostPayload:
        return self.item(kind, media=self.sandbox.media("film.mp4"), media_type="VIDEO", **more)

    def make(self, kind: str) -> PostPayload:
        """Return an item of one of the KINDS of this platform."""
        if kind in {"text", "link"}:
            return self.item(media=None if kind == "text" else "https://example.com/menu")
        type_ = "STORY" if kind.endswith("story") else "REEL" if kind == "reel" else "POST"
        return self.video(type_) if kind.startswith(("video", "reel")) else self.image(type_)

    def stage(self, item: PostPayload, staged: Staged | None = None) -> Staged:
        return self.publisher.stage(self.account, item, staged or {}, self.saved.append)

    def commit(self, item: PostPayload, staged: Staged) -> str:
        return self.publisher.commit(self.account, item, staged)

    def publish(self, item: PostPayload) -> str:
        return self.commit(item, self.stage(item))

    def find(
        self, item: PostPayload, staged: Staged, *, claimed: Collection[str] = (), since: datetime | None = None
    ) -> LookupResult:
        return self.publisher.find(self.account, item, staged, since=since or self.began, claimed=claimed)

    def discard(self, staged: Staged) -> None:
        """Delete what was staged where the publisher finds that it is not published."""
        with suppress(GraphError):
            if unpublished := self.publisher.find_unpublished(self.account, staged):
                self.publisher.delete_unpublished(self.account, unpublished)

    @property
    def posts(self) -> list[tuple[str, str]]:
        """Return (id, text) of the posts published on this account."""
        return [
            (post["id"], post["message"]) for post in self.sandbox.posts if post["account"] == self.account.platform_id
        ]

    @property
    def requests(self) -> list[str]:
        """Return "METHOD path" of every call that the sandbox got."""
        calls = self.sandbox.call("GET", "/__requests")["requests"]
        return [f"{call['method']} {call['path'].removeprefix('/v27.0')}" for call in calls]
