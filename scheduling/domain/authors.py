"""Authors of posts: all people and API keys that wrote content since the post was created. They do not approve it."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from accounts.domain.actors import Actor
from accounts.domain.api_keys import keys_rotated_by
from accounts.domain.identities import same_person
from accounts.models import User
from scheduling.models import PostAuthor, ScheduledPost


def record_author(actor: Actor, post: ScheduledPost) -> None:
    """Make the actor an author of the post, once."""
    if actor.user is not None or actor.key is not None:
        author = PostAuthor(post=post, user=actor.user, key=actor.key)
        PostAuthor.objects.bulk_create([author], ignore_conflicts=True)


def authored_by(user: User, posts: Iterable[ScheduledPost]) -> set[UUID]:
    """Return the ids of the posts of which `user` is an author. At most three queries for any number of posts.

    A user has written what an API key wrote whose secret they have seen: it is displayed to the person who issues or
    rotates the key. Users who count as the same person are authors alike: see `accounts.domain.identities`.
    """
    posts = list(posts)
    organizations = {post.pk: post.organization_id for post in posts}
    people = same_person(user, set(organizations.values())) if posts else {}
    rows = PostAuthor.objects.filter(post__in=[post.pk for post in posts])
    authors = list(rows.values_list("post_id", "user_id", "key_id", "key__issued_by_id"))
    seen_keys = keys_rotated_by(set().union(*people.values()), {key_id for _, _, key_id, _ in authors if key_id})
    return {
        post_id
        for post_id, user_id, key_id, issuer_id in authors
        if people[organizations[post_id]] & {user_id, issuer_id, *seen_keys.get(key_id, ())}
    }


def edited_by(actor: Actor) -> dict[str, Any]:
    """Return the columns of a post whose content the actor changed last."""
    return {"last_edited_by_user": actor.user, "last_edited_by_key": actor.key}


def former_editor(post: ScheduledPost) -> dict[str, Any]:
    """Return the detail of an approval's event from which an undo restores the editor."""
    return {"formerEditor": [post.last_edited_by_user_id, post.last_edited_by_key_id]}
