"""Copying what a channel has published: one run at a time, in saved steps, as far as the budget of calls goes."""

from posts.domain.sync.run import sync
from posts.domain.sync.scheduler import enqueue_due_channels, sync_channel_slice
from posts.domain.sync.state import Outcome, Progress, Report

__all__ = ["Outcome", "Progress", "Report", "enqueue_due_channels", "sync", "sync_channel_slice"]
