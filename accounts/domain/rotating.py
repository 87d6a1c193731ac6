"""Encryption keys change: what is stored is encrypted anew with the first of them."""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import Model

from accounts import crypto

SUFFIX = "_encrypted"
PAGE = 500


def columns() -> list[tuple[type[Model], str]]:
    """Return every column of the product that holds something encrypted: those whose name says so."""
    models = sorted(apps.get_models(), key=lambda model: model._meta.label)
    return [
        (model, field.name) for model in models for field in model._meta.local_fields if field.name.endswith(SUFFIX)
    ]


def rotate(model: type[Model], column: str) -> Iterator[bool]:
    """Encrypt each row's column anew; yield for each whether that worked: False when no configured key opens it.

    By compare-and-set: what somebody stores meanwhile is encrypted with the first key already, and stays. Broken off
    anywhere, it can be done again.
    """
    last = None
    while True:
        rows = model._default_manager.exclude(**{column: ""}).order_by("pk")
        page = list((rows.filter(pk__gt=last) if last is not None else rows).values_list("pk", column)[:PAGE])
        for pk, sealed in page:
            try:
                plain = crypto.decrypt(sealed)
            except crypto.InvalidToken:
                yield False
                continue
            model._default_manager.filter(pk=pk, **{column: sealed}).update(**{column: crypto.encrypt(plain)})
            yield True
        if len(page) < PAGE:
            return
        last = page[-1][0]
