"""Copying what a channel has published: one run at a time, in saved steps, as far as the budget of calls goes."""

from posts.domain.importing.handing_out import hand_out, take
from posts.domain.importing.running import sync
from posts.domain.importing.state import Outcome, Progress, Report

__all__ = ["Outcome", "Progress", "Report", "hand_out", "sync", "take"]
