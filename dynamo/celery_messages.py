"""Keeps a worker alive that receives broken messages: each is dropped with a line in the log.

Own code because Celery 5.6 and kombu 5.7 let most errors of a broken message end the worker, one for each message.
https://github.com/celery/kombu/issues/2421 describes it for SQS; no issue is known for the other transports. Check with
each new version whether `tests/dynamo/test_broken_messages.py` passes without this module.
"""

import logging
from typing import Any

from celery.worker import consumer
from kombu.transport import virtual

log = logging.getLogger(__name__)
NOT_A_MESSAGE = (ValueError, RecursionError)  # what JSON, UTF-8 and Message raise for a queue item that is no message


class Message(virtual.Message):
    def __init__(self, payload: Any, channel: Any = None, **kwargs: Any) -> None:
        """Raise ValueError for a payload that is not a message."""
        try:
            super().__init__(payload, channel=channel, **kwargs)
            names = (self.delivery_tag, self.delivery_info["exchange"], self.delivery_info["routing_key"])
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("Not a message") from error
        if not all(isinstance(name, str) for name in names):
            raise ValueError("Not a message")


class Consumer(consumer.Consumer):
    """The consumer of every worker (CELERY_WORKER_CONSUMER)."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Any:
        """Return the function that receives a message. It drops one from which no task can be made."""
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> None:
            try:
                handle(message)
            except Exception as error:  # noqa: BLE001  a lost connection included: the next read raises it again
                log.error("Dropped a message that is not a task: %s", type(error).__name__)  # noqa: TRY400
                if not message.acknowledged:
                    message.reject_log_error(log, OSError)

        return on_task_received
