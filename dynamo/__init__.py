"""The roof: composes accounts, posts and scheduling into one product. Nothing imports it."""

from dynamo.celery import app as celery_app

__all__ = ["celery_app"]
