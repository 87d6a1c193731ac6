"""Channels, superpowers and published posts in the admin."""

from accounts import clock
from accounts.models import User
from posts.domain.published_posts import record_published
from posts.models import Channel, PublishedPost, SuperpowerTemplate
from tests.helpers import AdminClient

CHANNELS, POWERS, LIVE = "/admin/posts/channel/", "/admin/posts/superpowertemplate/", "/admin/posts/publishedpost/"


def test_channel_form_with_errors_keeps_input_except_the_token(admin_member: User) -> None:
    desk = AdminClient(admin_member).open(f"{CHANNELS}add/")
    desk.press(type="FB_PAGE", platform_id="4 2", token="a-secret-token")
    assert Channel.objects.count() == 0
    assert "Digits only" in desk.text
    assert desk.form().fields["platform_id"] == "4 2"
    assert "a-secret-token" not in desk.answer.content.decode()


def test_superpower_form_writes_and_reads_the_document(author: User) -> None:
    desk = AdminClient(author).open(f"{POWERS}add/")
    desk.press(
        name="Greeter", hashtag="#Hello", words="menu\r\nsoup", public="Thanks!", private="Here it is", like="on"
    )
    written = SuperpowerTemplate.objects.get()
    group = written.document["conditionGroups"][0]
    assert (written.lookup_hashtag, group["conditions"][0]["values"], group["autoLike"]) == (
        "hello",
        ["menu", "soup"],
        True,
    )
    assert "When someone comments “menu” or “soup”, reply in public: “Thanks!”" in desk.open(POWERS).text

    before = written.document
    desk.open(f"{POWERS}{written.pk}/change/").press()
    assert SuperpowerTemplate.objects.get().document == before


def test_superpower_form_taken_hashtag_keeps_input(author: User) -> None:
    desk = AdminClient(author)
    for _ in range(2):
        desk.open(f"{POWERS}add/").press(name="Greeter", hashtag="hello", public="Thanks!")
    assert SuperpowerTemplate.objects.count() == 1
    assert "Hashtag already in use" in desk.text
    assert desk.form().fields["public"] == "Thanks!"


def test_published_post_is_read_only(reviewer: User, outsider: User, facebook: Channel) -> None:
    record_published(
        channel=facebook,
        platform_id="1_2",
        type="POST",
        caption="Olá\n#sol",
        media_url=None,
        media_type=None,
        permalink="https://www.facebook.com/1/posts/2",
        published_at=clock.now(),
        superpower=None,
        scheduled_post_id=None,
    )
    post = PublishedPost.objects.get()
    desk = AdminClient(reviewer).open(f"{LIVE}{post.pk}/")
    assert [form.action for form in desk.page.forms] == ["/admin/logout/"]
    assert "https://www.facebook.com/1/posts/2" in desk.page.links
    assert desk.send(f"{LIVE}{post.pk}/change/", caption="x").status_code == 404
    assert PublishedPost.objects.get().caption == "Olá\n#sol"
    assert AdminClient(outsider).open(f"{LIVE}{post.pk}/").answer.status_code == 404
