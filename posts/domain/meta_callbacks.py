"""Meta's callbacks about a Facebook user: the user removed the app, or asked for the deletion of their data.

Both carry a `signed_request` (graph-api, 11a, row 16): two parts in base64url without padding, separated by a dot. The
second is JSON with `user_id`, `algorithm` and `issued_at`; the first is the HMAC-SHA256 of the second part as sent,
with the app secret.

What is stored about a user is the id and the token of the channels that they connected, and for half an hour their
answer in Facebook Login. Names of the authors of
comments are not stored: comments are read from the platform at each request.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from accounts import clock
from accounts.domain.actors import Actor
from accounts.models import ActorKind
from posts.domain import channels, facebook_login
from posts.models import Channel, ChannelState, DataDeletion

META = Actor(ActorKind.WORKER, "meta", "Meta")
LONGEST = 8192  # characters of a signed_request
CLOCK_DIFFERENCE = timedelta(minutes=5)  # between Meta's clock and ours
REMOVED = "The person who connected it removed the app at Facebook. An administrator has to connect it again."
DELETED = "The person who connected it asked Meta to delete their data. An administrator has to connect it again."


class InvalidSignedRequest(ValueError):
    """The signature is not Meta's, or the content is not what Meta sends. The message names neither."""


@dataclass(frozen=True)
class SignedRequest:
    """`text` is the signed_request as sent; `issued_at` is the time of the user's action by Meta's clock."""

    user_id: str
    issued_at: datetime
    text: str


def parse_signed_request(text: str) -> SignedRequest:
    """Return the content of a genuine signed_request. Raises InvalidSignedRequest, always without an app secret."""
    signature, _, payload = text.partition(".")
    secret = settings.GRAPH_APP_SECRET
    if not secret or len(text) > LONGEST or not text.isascii():
        raise InvalidSignedRequest("Invalid signed_request")
    expected = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(expected, _decode(signature)):
        raise InvalidSignedRequest("Invalid signed_request")
    try:
        content = json.loads(_decode(payload))
    except (ValueError, RecursionError):
        raise InvalidSignedRequest("Invalid signed_request") from None
    if not isinstance(content, dict) or str(content.get("algorithm")).upper() != "HMAC-SHA256":
        raise InvalidSignedRequest("Invalid signed_request")
    user_id = content.get("user_id")
    if isinstance(user_id, bool) or not isinstance(user_id, str | int) or not 0 < len(str(user_id)) <= 40:
        raise InvalidSignedRequest("Invalid signed_request")
    return SignedRequest(str(user_id), _time(content.get("issued_at")), text)


def deauthorize(request: SignedRequest) -> int:
    """Disconnect the channels that the user connected before the request was issued; return how many.

    A repeated request therefore does not disconnect a channel that was connected again since.
    """
    with transaction.atomic():
        facebook_login.forget_person(request.user_id)
        rows = list(_channels_of(request).exclude(state=ChannelState.DISCONNECTED))
        for channel in rows:
            channels.deauthorize(META, channel, reason=REMOVED)
    return len(rows)


def delete_data(request: SignedRequest) -> DataDeletion:
    """Disconnect the channels that the user connected, and delete their tokens and the user's id.

    A repeated request returns the row of the first one.
    """
    code = salted_hmac("dynamo.data_deletion", request.text, algorithm="sha256").hexdigest()[:32]
    with transaction.atomic():
        facebook_login.forget_person(request.user_id)
        for channel in _channels_of(request):
            channels.deauthorize(META, channel, reason=DELETED)
            channels.delete_token(META, channel)
        return DataDeletion.objects.get_or_create(code=code)[0]


def _channels_of(request: SignedRequest) -> QuerySet[Channel]:
    """Return the channels that the user connected before the request, locked in one order."""
    rows = Channel.objects.select_for_update().filter(connected_by_meta_user=request.user_id)
    return rows.filter(connected_at__lte=request.issued_at + CLOCK_DIFFERENCE).order_by("pk")


def _decode(text: str) -> bytes:
    """Return the bytes of base64url without padding, nothing for other text."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


def _time(seconds: object) -> datetime:
    """Return the time of Unix seconds, now for anything else and for the future."""
    now = clock.now()
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds < now.timestamp():
        return now
    return datetime.fromtimestamp(seconds, UTC)
