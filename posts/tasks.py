"""Celery tasks. Each calls functions of the domain."""

from celery import shared_task

from posts.domain import facebook_login, media_store, post_refresh, sync, thumbnails, webhook_subscription


@shared_task(name="posts.sync_channel")
def sync_channel(channel_id: int) -> str:
    return sync.sync_channel_slice(channel_id)


@shared_task(name="posts.sync_due")
def sync_due() -> int:
    return sync.enqueue_due_channels()


@shared_task(name="posts.copy_thumbnails")
def copy_thumbnails() -> int:
    return thumbnails.copy_missing()


@shared_task(name="posts.delete_expired_logins")
def delete_expired_logins() -> int:
    return facebook_login.delete_expired()


@shared_task(name="posts.delete_unused_media")
def delete_unused_media() -> int:
    return media_store.delete_orphans() + thumbnails.delete_old()


@shared_task(name="posts.refresh_post")
def refresh_post(post_id: int) -> str:
    return post_refresh.refresh(post_id)


@shared_task(name="posts.subscribe_channel")
def subscribe_channel(channel_id: int) -> str:
    return webhook_subscription.subscribe(channel_id)


@shared_task(name="posts.subscribe_channels")
def subscribe_channels() -> int:
    return webhook_subscription.subscribe_all()
