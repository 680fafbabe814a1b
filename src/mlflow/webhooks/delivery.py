"""Sending messages to webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import logging
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from mlflow.entities.webhook import Webhook, WebhookEvent, WebhookTestResult
from mlflow.environment_variables import (
    _MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS,
    _MLFLOW_WEBHOOK_ALLOWED_SCHEMES,
    MLFLOW_WEBHOOK_DELIVERY_MAX_WORKERS,
    MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES,
    MLFLOW_WEBHOOK_REQUEST_TIMEOUT,
)
from mlflow.exceptions import MlflowException
from mlflow.rpc import egress
from mlflow.store.model_registry.secrets import decrypt
from mlflow.store.model_registry.sql.webhooks import Delivery, SqlWebhooks, message
from mlflow.version import VERSION
from mlflow.webhooks.constants import (
    WEBHOOK_DELIVERY_ID_HEADER,
    WEBHOOK_SIGNATURE_HEADER,
    WEBHOOK_SIGNATURE_VERSION,
    WEBHOOK_TIMESTAMP_HEADER,
)
from mlflow.webhooks.types import get_example_payload_for_event

_logger = logging.getLogger(__name__)

#: Answers after which it may go better next time.
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 300.0
_MARGIN = 15
"""Seconds that an attempt may take besides its timeout: names are looked up without one."""
_IDLE = 5.0
"""Seconds between two looks for what others have left: a process may have died while it sent."""
_PATIENCE, _PAUSE = 1.0, 0.05
"""Who says that there is something to send has yet to commit it: look again and again."""


def sign(secret: str, delivery_id: str, timestamp: str, body: str) -> str:
    """The signature of a message: a receiver that computes the same knows who sent it."""
    signed = f"{delivery_id}.{timestamp}.{body}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"{WEBHOOK_SIGNATURE_VERSION},{base64.b64encode(digest).decode()}"


def send(url: str, body: str, delivery_id: str, secret: str | None) -> egress.Answer:
    """Send a message once.

    Raises:
        mlflow.rpc.egress.EgressRefused: If the URL must not be asked.
        OSError: If nobody answers, also when that takes too long.
        http.client.HTTPException: If what answers speaks no HTTP.
    """
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"mlflow/{VERSION}",
        WEBHOOK_DELIVERY_ID_HEADER: delivery_id,
        WEBHOOK_TIMESTAMP_HEADER: timestamp,
    }
    if secret:
        headers[WEBHOOK_SIGNATURE_HEADER] = sign(secret, delivery_id, timestamp, body)
    return egress.post(
        url,
        body.encode(),
        headers,
        timeout=MLFLOW_WEBHOOK_REQUEST_TIMEOUT.get(),
        schemes=_MLFLOW_WEBHOOK_ALLOWED_SCHEMES.get(),
        allow_private=_MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS.get(),
    )


def test_webhook(webhook: Webhook, event: WebhookEvent | None = None) -> WebhookTestResult:
    """Send an example of an event, by default of the webhook's first, and say what became of it."""
    event = event or webhook.events[0]
    body = message(event, get_example_payload_for_event(event))
    try:
        answer = send(webhook.url, body, str(uuid.uuid4()), webhook.secret)
    except (egress.EgressRefused, OSError, http.client.HTTPException) as error:
        return WebhookTestResult(
            success=False, error_message=f"Failed to test webhook: {_why(error)}"
        )
    return WebhookTestResult(
        success=200 <= answer.status < 300,
        response_status=answer.status,
        response_body=answer.body.decode("utf-8", "replace"),
    )


class Deliverer:
    """Sends what the store has to be sent, in threads of its own.

    There are none as long as there are no webhooks.

    Args:
        store: The registry; its `on_delivery` is set.
    """

    def __init__(self, store: SqlWebhooks):
        self._store = store
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._called = threading.Event()
        self._expected_until = 0.0
        self._closed = False
        store.on_delivery = self.wake

    def start(self) -> None:
        """Begin, if there are webhooks: messages may wait from an earlier time."""
        if self._store.has_webhooks():
            self.wake()

    def wake(self) -> None:
        """There is something to send, once it is committed."""
        self._expected_until = time.monotonic() + _PATIENCE
        self._called.set()
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
                self._thread.start()

    def close(self, patience: float = 5.0) -> None:
        """Begin nothing more, and wait for what is being sent; the rest stays in the store."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._called.set()
        if thread is not None:
            thread.join(patience)

    def _run(self) -> None:
        workers = max(1, MLFLOW_WEBHOOK_DELIVERY_MAX_WORKERS.get())
        free = threading.Semaphore(workers)
        with ThreadPoolExecutor(workers, "webhook") as pool:
            while not self._closed:
                self._called.clear()
                try:
                    if self._begin(pool, free, workers):
                        continue
                    due = self._store.next_delivery()
                    if due is None and not self._store.has_webhooks() and self._may_end():
                        return
                except Exception:  # the database may be away for a while
                    _logger.warning("Could not look for webhook deliveries", exc_info=True)
                    due = None
                wait = _IDLE if due is None else min(_IDLE, due / 1000)
                if time.monotonic() < self._expected_until:
                    wait = min(wait, _PAUSE)
                self._called.wait(wait)

    def _may_end(self) -> bool:
        """End the thread, unless somebody has called it meanwhile."""
        with self._lock:
            if self._called.is_set() or time.monotonic() < self._expected_until:
                return False
            self._thread = None
            return True

    def _begin(self, pool: ThreadPoolExecutor, free: threading.Semaphore, workers: int) -> bool:
        """Begin to send what is due; False if nothing is."""
        free.acquire()
        taken = 1
        while taken < workers and free.acquire(blocking=False):
            taken += 1
        # Longer than an attempt can take: nobody else must send it meanwhile.
        lease = (MLFLOW_WEBHOOK_REQUEST_TIMEOUT.get() + _MARGIN) * 1000
        try:
            deliveries = self._store.claim_deliveries(taken, lease)
        except BaseException:
            free.release(taken)
            raise
        if len(deliveries) < taken:
            free.release(taken - len(deliveries))
        for delivery in deliveries:
            pool.submit(self._deliver, delivery, free)
        return bool(deliveries)

    def _deliver(self, delivery: Delivery, free: threading.Semaphore) -> None:
        try:
            self._attempt(delivery)
        except Exception:  # it stays in the store, and is tried again when the lease has ended
            _logger.warning("Delivery to webhook '%s' failed", delivery.webhook, exc_info=True)
        finally:
            free.release()
            self._called.set()

    def _attempt(self, delivery: Delivery) -> None:
        most = MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES.get() + 1
        if not delivery.is_wanted:
            return self._store.finish_delivery(delivery)
        if (
            delivery.attempts > most
        ):  # whoever made the last one did not live to say what came of it
            return self._give_up(delivery, "no attempt came to an end")
        retry_after = None
        try:
            secret = decrypt(delivery.secret) if delivery.secret else None
            answer = send(delivery.url, delivery.content, delivery.uuid, secret)
            if 200 <= answer.status < 300:
                return self._store.finish_delivery(delivery)
            failure = f"it answered {answer.status}"
            passing = answer.status in _PASSING
            retry_after = {k.lower(): v for k, v in answer.headers.items()}.get("retry-after")
        except (egress.EgressRefused, MlflowException) as error:
            failure, passing = _why(error), False
        except (OSError, http.client.HTTPException) as error:
            failure, passing = _why(error), True
        if passing and delivery.attempts < most:
            self._store.postpone_delivery(delivery, int(_wait(delivery.attempts, retry_after)))
        else:
            self._give_up(delivery, failure)

    def _give_up(self, delivery: Delivery, failure: str) -> None:
        _logger.warning(
            "Gave up telling webhook '%s' after attempt %d: %s",
            delivery.webhook,
            delivery.attempts,
            failure,
        )
        self._store.finish_delivery(delivery)


def _wait(attempts: int, retry_after: str | None) -> float:
    """Milliseconds until the next attempt."""
    if retry_after is not None and retry_after.strip().isdecimal():
        return min(float(retry_after), _LONGEST_WAIT) * 1000
    seconds = min(_FIRST_WAIT * 2.0 ** (attempts - 1), _LONGEST_WAIT)
    return seconds * random.uniform(0.75, 1.25) * 1000


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
