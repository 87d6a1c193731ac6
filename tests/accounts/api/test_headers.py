"""What every answer carries."""

from typing import Any

import pytest
from django.test import Client


@pytest.mark.django_db
def test_pages_and_answers_grant_nothing(api: Any) -> None:
    answers = [api.get("/channels"), api.get("/nothing"), Client().get("/v1/posts"), Client().get("/admin/login/")]
    for answer in answers:
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "no-store" in answer.headers["Cache-Control"]
