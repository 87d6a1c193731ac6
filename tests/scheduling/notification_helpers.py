"""Runs the sweep and the tasks of the queue `notifications` in the test process."""

from scheduling.domain.notifications import delivery, events, recipients


def send_due() -> int:
    """Run the tasks of the due deliveries until none is left; return how many were tried."""
    tried = 0
    while True:
        states = [delivery.deliver(pk) for pk in list(delivery.due().values_list("pk", flat=True))]
        done = sum(state != "skipped" for state in states)
        if not done:
            return tried
        tried += done


def sweep_and_send() -> int:
    """Do what a sweep does for notifications, then send what is due; return how many deliveries were tried."""
    events.remind()
    recipients.fan_out()
    return send_due()
