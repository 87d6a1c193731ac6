"""What `manage.py doctor` checks, by section. A section is a function that yields findings."""

import logging
from collections.abc import Callable, Iterator

from dynamo.doctor import installation, meta, processes, services
from dynamo.doctor.base import Finding

log = logging.getLogger(__name__)

SECTIONS: dict[str, Callable[[], Iterator[Finding]]] = {
    "settings": installation.settings_findings,
    "files": installation.file_findings,
    "database": services.database_findings,
    "migrations": services.migration_findings,
    "keys": installation.key_findings,
    "broker": services.broker_findings,
    "cache": services.cache_findings,
    "storage": services.storage_findings,
    "email": services.email_findings,
    "workers": processes.worker_findings,
    "address": processes.address_findings,
    "meta": meta.findings,
    "clock": processes.clock_findings,  # after the platform has answered
}


def examine(section: str, *, send_test: str = "") -> list[Finding]:
    """Return the findings of a section. An exception is one of them: the other sections are examined as well."""
    found: list[Finding] = []
    try:
        if section == "email":
            found.extend(services.email_findings(send_test))
        else:
            found.extend(SECTIONS[section]())
    except Exception as error:
        log.debug("doctor: %s", section, exc_info=error)
        text = f"This could not be checked: {type(error).__name__}."
        found.append(Finding(f"{section}.failed", "fail", text, "Mend what is above, and run it again"))
    return found
