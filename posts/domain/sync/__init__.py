"""Copies a channel's published posts: one run at a time, in saved steps, within the rate limit."""

from posts.domain.sync.run import sync
from posts.domain.sync.scheduler import enqueue_due_channels, sync_channel_slice
from posts.domain.sync.state import Outcome, Report

__all__ = ["Outcome", "Report", "enqueue_due_channels", "sync", "sync_channel_slice"]
