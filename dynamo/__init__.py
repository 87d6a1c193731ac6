"""Project package: settings, URLs, WSGI and Celery. No app imports from it."""

from dynamo.celery import app as celery_app

__all__ = ["celery_app"]
