"""Lists, fields and edges that the schema declares, and that the official SDKs ask for by default (11a, row 14)."""

from typing import Any

import pytest

from tests.dynamo.sandbox.calls import Caller, code
from tests.services.sandbox import FACEBOOK

ATTACHMENT = "description,description_tags,media,media_type,target,title,type,unshimmed_url,url,subattachments"
CHILD = "id,media_type,media_url,permalink,shortcode,thumbnail_url,timestamp"


@pytest.mark.parametrize("as_list", ['["{}"]', "{}"])
def test_insights_take_lists_r14(page: Caller, instagram: Caller, post: str, media: str, as_list: str) -> None:
    lifetime = as_list.format("lifetime")
    shown = page.get(f"{post}/insights", metric='["post_clicks","post_media_view"]', period=lifetime)
    assert [item["name"] for item in shown["data"]] == ["post_clicks", "post_media_view"]
    shown = instagram.get(f"{media}/insights", metric='["reach"]', period=lifetime)
    assert [item["name"] for item in shown["data"]] == ["reach"]
    wanted = {"metric": as_list.format("profile_activity"), "breakdown": as_list.format("action_type")}
    shown = instagram.get(f"{media}/insights", **wanted)
    assert shown["data"][0]["total_value"]["breakdowns"][0]["dimension_keys"] == ["action_type"]
    assert code(instagram.get(f"{media}/insights", metric='["reach"]', period='["day"]')) == (100, None)
    assert code(page.get(f"{post}/insights", metric='["post_clicks","bogus"]')) == (100, None)


def test_attachments_are_a_field_and_an_edge_r14(page: Caller) -> None:
    _, post = page.photo_post()
    field = page.get(post, fields=f"attachments{{{ATTACHMENT}}}")["attachments"]
    assert page.get(f"{post}/attachments", fields=ATTACHMENT) == field
    assert field["data"][0]["media_type"] == "photo"
    assert page.get(f"{post}/attachments", fields="type") == {"data": [{"type": "photo"}]}
    assert code(page.get(f"{post}/attachments", fields="bogus")) == (100, None)
    text = page.edge("feed", message="text")["id"]
    assert page.get(f"{text}/attachments") == {"data": []}


def test_children_are_a_field_and_an_edge_r14(instagram: Caller, media: str) -> None:
    parts = [instagram.container(name, is_carousel_item="true") for name in ("a.jpg", "b.jpg")]
    carousel = instagram.edge("media", media_type="CAROUSEL", children=",".join(parts))["id"]
    album = instagram.publish(carousel)["id"]
    field = instagram.get(album, fields=f"children{{{CHILD}}}")["children"]
    assert instagram.get(f"{album}/children", fields=CHILD) == field
    assert set(field["data"][0]) == set(CHILD.split(",")) - {"thumbnail_url"}
    assert instagram.get(f"{album}/children") == {"data": [{"id": part} for part in parts]}
    assert instagram.get(album, fields="children")["children"] == {"data": [{"id": part} for part in parts]}
    for refused in ("caption", "like_count", "bogus"):
        assert code(instagram.get(f"{album}/children", fields=refused)) == (100, None)
    assert instagram.get(f"{media}/children") == {"data": []}


def test_people_who_reacted_have_the_fields_of_a_profile_r14(page: Caller, post: str) -> None:
    assert page.get(f"{post}/likes", fields="id,can_post,pic_square,profile_type,picture") == {"data": []}
    assert code(page.get(f"{post}/likes", fields="id,bogus")) == (100, None)


@pytest.mark.parametrize("kind", ["FIRE", "HUNDRED", "PRIDE", "THANKFUL"])
def test_every_type_of_reaction_is_counted_r7(page: Caller, post: str, kind: str) -> None:
    page.sandbox.call("POST", "/__metrics", {"post": post, "reactions": {kind: 2, "LIKE": 1}})
    totals: dict[str, Any] = page.get(post, fields="reactions.limit(0).summary(total_count)")
    assert totals["reactions"]["summary"] == {"total_count": 3}
    one = page.get(f"{post}/reactions", type=kind, summary="total_count", limit=0)
    assert one["summary"] == {"total_count": 2}


def test_edges_need_their_permission_r14(page: Caller, post: str) -> None:
    page.sandbox.register(FACEBOOK, scopes=["pages_manage_posts"])
    assert code(page.get(f"{post}/attachments"))[0] == 200
