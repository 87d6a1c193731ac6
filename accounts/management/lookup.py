from uuid import UUID

from django.core.management.base import CommandError

from accounts.models import Organization


def get_organization(text: str) -> Organization:
    """Return the organization with this id, or this name when it is unique. Raises CommandError."""
    try:
        rows = Organization.objects.filter(pk=UUID(text))
    except ValueError:
        rows = Organization.objects.filter(name=text)
    organizations = list(rows[:2])
    if len(organizations) != 1:
        raise CommandError(f"There {'are several organizations' if organizations else 'is no organization'} {text}")
    return organizations[0]
