"""The calls: run by `tests.sdk` in the environment of the clients, so it imports nothing of ours.

Reads {"url", "secret", "page", "instagram"} from its input, writes a line of JSON for each call.
"""

import json
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

import pyfacebook
import requests
from facebook_business.adobjects.comment import Comment
from facebook_business.adobjects.igcomment import IGComment
from facebook_business.adobjects.igmedia import IGMedia
from facebook_business.adobjects.iguser import IGUser
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession
from pyfacebook.utils import constant

GIVEN = json.load(sys.stdin)
URL, SECRET, PAGE, INSTAGRAM = (GIVEN[name] for name in ("url", "secret", "page", "instagram"))
PICTURE, FILM = f"{URL}/media/terrace.jpg", f"{URL}/media/film.mp4"
# Why calls are refused (docs/platform.md has the same list), and the codes of the refusal.
ALIASES = ("it asks for field aliases, which Meta refuses new apps since v27.0", {100})
SEVERAL_IDS = ("it reads several objects by `ids`, which Meta refuses new apps since v27.0", {100, 2500})
WRONG_FIELDS = ("it asks a comment for the fields of a media", {100})
ACCOUNT_INSIGHTS = ("insights of accounts are not in the sandbox: Dynamo reads those of posts", {100})
NO_BATCH = ("batches are not in the sandbox: Dynamo sends none", {2500})


def comment(post: str, **item: Any) -> str:
    """Write a comment as a user of the platform, which only the sandbox's control API can; return its id."""
    body = json.dumps({"post": post, "items": [{"text": "Que lindo! 😍", **item}]}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{URL}/__comments", body), timeout=10) as answer:
        return str(json.load(answer)["ids"][0])


class Recorder:
    """Writes the result of each call of one client."""

    def __init__(self, sdk: str) -> None:
        self.sdk = sdk

    def _write(self, call: str, result: str, note: str) -> None:
        print(json.dumps({"sdk": self.sdk, "call": call, "result": result, "note": note}), flush=True)

    def answered(self, call: str, run: Callable[[], Any], *, expected: Callable[[Any], bool] = bool) -> Any:
        """Return what the call returns; FAILED when it is refused or not as expected."""
        try:
            value = run()
        except (FacebookRequestError, pyfacebook.FacebookError) as error:
            self._write(call, "FAILED", _text(error))
            return None
        right = expected(value)
        self._write(call, "answered" if right else "FAILED", "" if right else repr(value)[:200])
        return value

    def refused(self, call: str, run: Callable[[], Any], reason: tuple[str, set[int]]) -> None:
        """FAILED when the call is not refused with one of the codes of `reason`."""
        why, codes = reason
        try:
            value = run()
        except (FacebookRequestError, pyfacebook.FacebookError) as error:
            expected = _code(error) in codes
            self._write(call, "refused" if expected else "FAILED", f"{why} ({_text(error)})")
        else:
            self._write(call, "FAILED", f"answered {value!r}"[:200])


def _code(error: Any) -> int | None:
    return error.api_error_code() if isinstance(error, FacebookRequestError) else error.code


def _text(error: Any) -> str:
    message = error.api_error_message() if isinstance(error, FacebookRequestError) else error.message
    return message if "(#" in message else f"{_code(error)}: {message}"


def facebook_business_page() -> None:
    """Publishing, lists, comments and insights of a Page with Meta's client."""
    FacebookSession.GRAPH = URL  # a constant of the class: there is no setting for the host
    record = Recorder("facebook-business")
    api = FacebookAdsApi(FacebookSession("100000000000001", SECRET, PAGE["token"]))
    page = Page(PAGE["id"], api=api)
    record.answered("Page.api_get", lambda: page.api_get(fields=["name", "username", "fan_count"])["name"])
    post = record.answered("Page.create_feed (text)", lambda: page.create_feed(params={"message": "Olá"})["id"])
    link = {"message": "A link", "link": "https://example.com/"}
    record.answered("Page.create_feed (link)", lambda: page.create_feed(params=link)["id"])
    staged = record.answered(
        "Page.create_photo (unpublished)", lambda: page.create_photo(params={"url": PICTURE, "published": False})["id"]
    )
    photos = {"message": "A photo", "attached_media": [{"media_fbid": staged}]}
    album = record.answered("Page.create_feed (attached_media)", lambda: page.create_feed(params=photos)["id"])
    photo = {"url": PICTURE, "caption": "Another", "alt_text_custom": "The terrace in the sun"}
    record.answered("Page.create_photo", lambda: page.create_photo(params=photo)["post_id"])
    film = {"file_url": FILM, "description": "A film"}
    record.answered("Page.create_video", lambda: page.create_video(params=film)["id"])
    started = record.answered(
        "Page.create_video_reel (start)", lambda: dict(page.create_video_reel(params={"upload_phase": "start"}))
    )
    # It has no call for the upload host.
    upload = {"Authorization": f"OAuth {PAGE['token']}", "file_url": FILM}
    proof = {"appsecret_proof": api._session.appsecret_proof}
    requests.post(started["upload_url"], params=proof, headers=upload, timeout=10).raise_for_status()
    finish = {"upload_phase": "finish", "video_id": started["video_id"], "video_state": "PUBLISHED"}
    # It returns an object without the answer's `success`: get_video_reels shows whether it was published.
    record.answered("Page.create_video_reel (finish)", lambda: page.create_video_reel(params=finish) is not None)

    fields = ["id", "message", "created_time", "permalink_url", "attachments{media_type,target{id}}", "shares"]
    for name in ("get_published_posts", "get_posts", "get_feed"):
        listing = getattr(page, name)
        paged = lambda listing=listing: list(listing(fields=fields, params={"limit": 2}))  # noqa: E731
        record.answered(f"Page.{name}", paged, expected=lambda posts: len({post["id"] for post in posts}) == 5)
    record.answered("Page.get_video_reels", lambda: list(page.get_video_reels(fields=["description", "post_id"])))
    record.answered("Page.get_videos", lambda: list(page.get_videos(fields=["description", "permalink_url"])))
    record.answered("Page.get_scheduled_posts", page.get_scheduled_posts, expected=lambda posts: len(posts) == 0)
    record.refused(
        "Page.get_insights", lambda: page.get_insights(params={"metric": ["page_follows"]}), ACCOUNT_INSIGHTS
    )

    top = comment(post)
    comment(post, parent=top)
    one = PagePost(post, api=api)
    counters = ["message", "reactions.limit(0).summary(total_count)", "comments.filter(stream).limit(0).summary(true)"]
    record.answered("PagePost.api_get", lambda: one.api_get(fields=counters)["reactions"])
    everything = {"filter": "stream", "order": "chronological", "limit": 1}
    comments = ["message", "from", "parent{id}", "like_count", "comment_count"]
    record.answered(
        "PagePost.get_comments (paged)",
        lambda: list(one.get_comments(fields=comments, params=everything)),
        expected=lambda found: len(found) == 2,
    )
    record.answered("Comment.get_comments", lambda: list(Comment(top, api=api).get_comments(fields=["message"])))
    record.answered("PagePost.get_reactions", lambda: one.get_reactions(params={"summary": "total_count"}).summary())
    shown = ["media_type", "description_tags", "target"]
    record.answered("PagePost.get_attachments", lambda: list(PagePost(album, api=api).get_attachments(fields=shown)))
    metrics = {"metric": ["post_media_view", "post_reactions_by_type_total"], "period": "lifetime"}
    record.answered(
        "PagePost.get_insights", lambda: list(one.get_insights(params=metrics)), expected=lambda found: len(found) == 2
    )
    record.answered("PagePost.api_update", lambda: one.api_update(params={"message": "Olá!"}))
    record.answered("PagePost.api_delete", one.api_delete)
    batch = api.new_batch()
    page.api_get(batch=batch)
    record.refused("FacebookAdsApiBatch.execute", batch.execute, NO_BATCH)


def facebook_business_instagram() -> None:
    """The same of an Instagram account."""
    record = Recorder("facebook-business")
    api = FacebookAdsApi(FacebookSession("100000000000001", SECRET, INSTAGRAM["token"]))
    account = IGUser(INSTAGRAM["id"], api=api)
    record.answered("IGUser.api_get", lambda: account.api_get(fields=["username", "media_count"])["username"])
    image = {"image_url": PICTURE, "caption": "Olá #sol", "alt_text": "The terrace"}
    container = record.answered("IGUser.create_media (image)", lambda: account.create_media(params=image)["id"])
    # It has no type of its own for containers.
    record.answered(
        "IGMedia.api_get (of a container)", lambda: IGMedia(container, api=api).api_get(fields=["status_code"])
    )
    publish = lambda made: account.create_media_publish(params={"creation_id": made})["id"]  # noqa: E731
    record.answered("IGUser.create_media_publish", lambda: publish(container))
    reel = {"video_url": FILM, "media_type": "REELS", "caption": "A reel"}
    made = record.answered("IGUser.create_media (reel)", lambda: account.create_media(params=reel)["id"])
    record.answered("IGUser.create_media_publish (reel)", lambda: publish(made))
    parts = [
        record.answered(
            f"IGUser.create_media (child {number})",
            lambda number=number: account.create_media(
                params={"image_url": f"{URL}/media/{number}.jpg", "is_carousel_item": True}
            )["id"],
        )
        for number in (1, 2)
    ]
    album = {"media_type": "CAROUSEL", "children": parts, "caption": "Both"}
    made = record.answered("IGUser.create_media (carousel)", lambda: account.create_media(params=album)["id"])
    media = record.answered("IGUser.create_media_publish (carousel)", lambda: publish(made))
    record.answered(
        "IGUser.get_content_publishing_limit",
        lambda: list(account.get_content_publishing_limit(fields=["config", "quota_usage"])),
    )
    fields = ["caption", "media_type", "media_product_type", "permalink", "timestamp", "like_count", "comments_count"]
    record.answered(
        "IGUser.get_media (paged)",
        lambda: list(account.get_media(fields=fields, params={"limit": 2})),
        expected=lambda found: len(found) == 3,
    )
    record.answered("IGUser.get_stories", account.get_stories, expected=lambda found: len(found) == 0)
    one = IGMedia(media, api=api)
    children = ["media_type", "permalink", "shortcode"]
    record.answered("IGMedia.get_children", lambda: list(one.get_children(fields=children)))
    top = comment(media)
    comment(media, parent=top)
    record.answered("IGMedia.get_comments", lambda: list(one.get_comments(fields=["text", "username", "timestamp"])))
    record.answered("IGComment.get_replies", lambda: list(IGComment(top, api=api).get_replies(fields=["text"])))
    lifetime = {"metric": ["reach", "views"], "period": ["lifetime"]}
    record.answered("IGMedia.get_insights", lambda: list(one.get_insights(params=lifetime)))
    broken_down = {"metric": ["profile_activity"], "breakdown": ["action_type"], "period": ["lifetime"]}
    record.answered("IGMedia.get_insights (breakdown)", lambda: list(one.get_insights(params=broken_down)))
    record.refused("IGUser.get_insights", lambda: account.get_insights(params={"metric": ["reach"]}), ACCOUNT_INSIGHTS)


def python_facebook_page() -> None:
    """Publishing, lists, comments and insights of a Page with python-facebook-api, with its default fields."""
    record = Recorder("python-facebook-api")
    options = {"app_secret": SECRET, "access_token": PAGE["token"], "base_url": f"{URL}/", "sleep_on_rate_limit": False}
    api = pyfacebook.FacebookApi(app_id="100000000000001", **options)
    page = PAGE["id"]
    record.answered("page.get_info", lambda: api.page.get_info(page_id=page).name)
    write = lambda edge, **data: api.post_object(page, connection=edge, data=data)["id"]  # noqa: E731
    post = record.answered("post_object (feed)", lambda: write("feed", message="Bom dia"))
    record.answered("post_object (photos)", lambda: write("photos", url=PICTURE, caption="A photo"))
    record.answered("post_object (videos)", lambda: write("videos", file_url=FILM, description="A film"))
    record.refused("page.get_posts (default fields)", lambda: api.page.get_posts(object_id=page), ALIASES)
    fields = constant.POST_PUBLIC_FIELDS
    for name in ("get_posts", "get_published_posts", "get_feed"):
        listing = getattr(api.page, name)
        record.answered(
            f"page.{name}",
            lambda listing=listing: listing(object_id=page, fields=fields, count=5, limit=2).data,
            expected=lambda posts: len({post.id for post in posts}) == 5,
        )
    record.refused("post.get_info (default fields)", lambda: api.post.get_info(post_id=post), ALIASES)
    record.answered("post.get_info", lambda: api.post.get_info(post_id=post, fields=fields).message)
    record.refused("post.get_batch", lambda: api.post.get_batch(ids=[post], fields=fields), SEVERAL_IDS)
    top = comment(post)
    comment(post, parent=top)
    record.answered(
        "post.get_comments",
        lambda: api.post.get_comments(object_id=post, filter_type="stream", summary="true", limit=1).data,
        expected=lambda found: len(found) == 2,
    )
    record.answered("comment.get_info", lambda: api.comment.get_info(comment_id=top).message)
    record.answered("post.get_likes", lambda: api.post.get_likes(object_id=post), expected=lambda found: not found.data)
    metric = "post_media_view,post_reactions_by_type_total"
    record.answered("get_connection (insights)", lambda: api.get_connection(post, "insights", metric=metric)["data"])
    record.answered("page.get_videos", lambda: api.page.get_videos(object_id=page).data)
    record.answered("delete_object", lambda: api.delete_object(post)["success"])


def python_facebook_instagram() -> None:
    """The same of an Instagram account."""
    record = Recorder("python-facebook-api")
    api = pyfacebook.IGBusinessApi(
        app_id="100000000000001", app_secret=SECRET, access_token=INSTAGRAM["token"], base_url=f"{URL}/",
        sleep_on_rate_limit=False, instagram_business_id=INSTAGRAM["id"],
    )  # fmt: skip
    account = INSTAGRAM["id"]
    record.answered("ig user.get_info", lambda: api.user.get_info().username)
    write = lambda edge, **data: api.post_object(account, connection=edge, data=data)["id"]  # noqa: E731
    container = record.answered("post_object (media)", lambda: write("media", image_url=PICTURE, caption="Bom dia"))
    record.answered("container.get_info", lambda: api.container.get_info(container_id=container).status_code)
    media = record.answered("post_object (media_publish)", lambda: write("media_publish", creation_id=container))
    record.answered("ig user.get_content_publishing_limit", lambda: api.user.get_content_publishing_limit().data)
    record.answered(
        "ig user.get_media", lambda: api.user.get_media(count=4, limit=2).data, expected=lambda found: len(found) == 4
    )
    record.answered("ig user.get_stories", api.user.get_stories, expected=lambda found: not found.data)
    record.answered("ig media.get_info", lambda: api.media.get_info(media_id=media).permalink)
    record.refused("ig media.get_batch", lambda: api.media.get_batch(ids=[media]), SEVERAL_IDS)
    album = next(media for media in api.user.get_media(count=4).data if media.media_type == "CAROUSEL_ALBUM")
    record.answered("ig media.get_children", lambda: api.media.get_children(media_id=album.id).data)
    top = comment(media)
    comment(media, parent=top)
    record.answered("ig media.get_comments", lambda: api.media.get_comments(media_id=media).data)
    record.answered("ig comment.get_replies", lambda: api.comment.get_replies(comment_id=top).data)
    record.refused("ig comment.get_info (default fields)", lambda: api.comment.get_info(comment_id=top), WRONG_FIELDS)
    fields = constant.IG_BUSINESS_COMMENT_PUBLIC_FIELDS
    record.answered("ig comment.get_info", lambda: api.comment.get_info(comment_id=top, fields=fields).text)
    record.answered("ig media.get_insights", lambda: api.media.get_insights(media_id=media, metric="reach,views").data)
    activity = {"metric": "profile_activity", "breakdown": "action_type"}
    record.answered(
        "ig media.get_insights (breakdown)", lambda: api.media.get_insights(media_id=media, **activity).data
    )
    record.refused(
        "ig user.get_insights", lambda: api.user.get_insights(metric="reach", period="day"), ACCOUNT_INSIGHTS
    )


if __name__ == "__main__":
    facebook_business_page()
    facebook_business_instagram()
    python_facebook_page()
    python_facebook_instagram()
