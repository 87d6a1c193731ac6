"""GET /posts/{id}/insights and /posts/{id}/comments: read from the platform at each call, never from a copy."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import ShapeError
from accounts.api.shape import query
from accounts.api.wire import instant
from accounts.models import Scope
from posts.api.documents import CommentDocument, FigureDocument
from posts.api.lookup import post_of
from posts.api.shapes import CommentsQuery, OnePostQuery
from posts.api.upstream import upstream
from posts.domain import comments
from posts.domain.insights import insights


class Insights(APIView):
    """A post's metrics; those that the platform refuses, or knows nothing of, with the reason."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request, post_id: str) -> Response:
        post = post_of(request, post_id, query(request, OnePostQuery)["mediumId"])
        with upstream():
            found = insights(post.channel, post.platform_id, post.type, media_type=post.media_type)
        return Response(
            {
                "postId": post.platform_id,
                "mediumId": post.channel.wire_id,
                "insights": [FigureDocument(one).data for one in found.items],
                "unavailable": [{"name": name, "reason": why} for name, why in found.unavailable.items()],
                "fetchedAt": instant(found.fetched_at),
            }
        )


class Comments(APIView):
    """Comments on the post, newest first, each followed by its replies, oldest first."""

    scopes = {"get": Scope.READ}

    def get(self, request: Request, post_id: str) -> Response:
        wanted = query(request, CommentsQuery)
        post = post_of(request, post_id, wanted["mediumId"])
        limit = int(wanted["limit"])
        try:
            with upstream():
                page = comments.page(post.channel, post.platform_id, limit=limit, cursor=wanted.get("after"))
        except comments.UnknownCursor:
            raise ShapeError.one("any.only", "must be one that this list returned", path=("after",)) from None
        return Response(
            {
                "items": [CommentDocument(one).data for one in page.items],
                "returned": len(page.items),
                "mayHaveMore": page.may_have_more,
                "nextCursor": page.next_cursor,
            }
        )
