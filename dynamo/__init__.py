"""Project package: settings, URLs, WSGI and Celery. No app imports from it."""

__version__ = "0.3.0"  # before the import, which leads to the settings

from dynamo.celery import app as celery_app

__all__ = ["__version__", "celery_app"]
