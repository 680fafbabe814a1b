"""Webhooks in a SQL database.

What a webhook is to be told is written in the transaction in which it happens, to a table of
deliveries (an outbox): so nothing is told that did not happen, and nothing is forgotten. A server
sends them (`mlflow/webhooks/delivery.py`). Whoever sends one claims it first, by moving the time at
which it is due: others, also in other processes, then leave it alone, and take it up again if the
one who claimed it has died.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mlflow.entities.webhook import Webhook, WebhookEvent, WebhookStatus, WebhookTestResult
from mlflow.error_codes import CODES
from mlflow.exceptions import MlflowException
from mlflow.search.grammar import PROMPT_TAG
from mlflow.store.db.database import Database
from mlflow.store.db.paging import Term, after, encode_token, order_clause, place_of
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry.base.webhooks import (
    Webhooks,
    check_description,
    check_max_results,
    check_name,
    check_url,
)
from mlflow.store.model_registry.secrets import decrypt, encrypt
from mlflow.store.tracking.sql.core import marks, now_ms

_COLUMNS = (
    "w.id, w.uuid, w.name, w.description, w.url, w.status, w.creation_time, w.last_update_time"
)
_NEWEST_FIRST = [Term("w.id", ascending=False)]

#: What each event tells, in this order.
_TOLD = {
    "registered_model.created": ("name", "tags", "description"),
    "model_version.created": ("name", "version", "source", "run_id", "tags", "description"),
    "model_version_tag.set": ("name", "version", "key", "value"),
    "model_version_tag.deleted": ("name", "version", "key"),
    "model_version_alias.created": ("name", "alias", "version"),
    "model_version_alias.deleted": ("name", "alias"),
}


class Delivery(NamedTuple):
    """A message that is to be sent."""

    id: int
    uuid: str
    """The same on each attempt, so that receivers can tell repetitions."""
    webhook: str
    """The webhook's name, for logs."""
    url: str
    secret: str | None
    """As it is stored."""
    content: str
    """The body."""
    attempts: int
    """This one included."""
    is_wanted: bool
    """False if the webhook was disabled or deleted meanwhile."""


class SqlWebhooks(Webhooks):
    """Base of the topics that others may want to hear of."""

    db: Database
    #: Called when there is something to send; set by a server that sends.
    on_delivery: Callable[[], None] | None = None

    # -- what happens -----------------------------------------------------------------------

    def _notify(self, tx: Any, event: str, payload: dict[str, Any]) -> None:
        """Have whoever wants to know told that something has happened, in the transaction `tx`.

        Args:
            event: Such as `model_version.created`.
        """
        rows = tx.execute(
            "select w.id from webhook w join webhook_event e on e.webhook_id = w.id "
            "where e.event = ? and w.status = ? and w.deleted_time is null",
            (event, WebhookStatus.ACTIVE.value),
        ).fetchall()
        if not rows or _is_prompt(tx, payload):
            return
        now, content = now_ms(), message(WebhookEvent.from_str(event), _told(event, payload))
        for (webhook,) in rows:
            tx.execute(
                "insert into webhook_delivery (uuid, webhook_id, event, content, attempts, "
                "next_time, creation_time) values (?, ?, ?, ?, 0, ?, ?)",
                (str(uuid.uuid4()), webhook, event, content, now, now),
            )
        if self.on_delivery is not None:
            self.on_delivery()

    # -- webhooks ---------------------------------------------------------------------------

    def create_webhook(
        self,
        name: str,
        url: str,
        events: list[WebhookEvent],
        description: str | None = None,
        secret: str | None = None,
        status: WebhookStatus | None = None,
    ) -> Webhook:
        _check(name, url, description)
        if not events:
            raise MlflowException.invalid_parameter_value("Webhook events cannot be empty")
        stored = encrypt(secret) if secret else None
        key, now = str(uuid.uuid4()), now_ms()
        status = status or WebhookStatus.ACTIVE

        def write(tx: Any) -> Webhook:
            row = self.db.dialect.insert(
                tx,
                "insert into webhook (uuid, name, description, url, secret, status, "
                "creation_time, last_update_time) values (?, ?, ?, ?, ?, ?, ?, ?)",
                (key, name, description, url, stored, status.value, now, now),
            )
            _put_events(tx, row, events)
            return self._webhook(tx, key)

        return self.db.write(write)

    def get_webhook(self, webhook_id: str) -> Webhook:
        with self.db.read() as tx:
            return self._webhook(tx, webhook_id)

    def list_webhooks(
        self, max_results: int | None = None, page_token: str | None = None
    ) -> PagedList[Webhook]:
        return self._page("", [], max_results, page_token)

    def list_webhooks_by_event(
        self, event: WebhookEvent, max_results: int | None = None, page_token: str | None = None
    ) -> PagedList[Webhook]:
        condition = (
            " and w.status = ? and exists "
            "(select 1 from webhook_event e where e.webhook_id = w.id and e.event = ?)"
        )
        params = [WebhookStatus.ACTIVE.value, str(event)]
        return self._page(condition, params, max_results, page_token)

    def update_webhook(
        self,
        webhook_id: str,
        name: str | None = None,
        description: str | None = None,
        url: str | None = None,
        events: list[WebhookEvent] | None = None,
        secret: str | None = None,
        status: WebhookStatus | None = None,
    ) -> Webhook:
        _check(name, url, description)
        changes: dict[str, Any] = {
            "name": name,
            "description": description,
            "url": url,
            "secret": encrypt(secret) if secret else None,
            "status": status.value if status else None,
        }
        changes = {column: value for column, value in changes.items() if value is not None}
        changes["last_update_time"] = now_ms()

        def write(tx: Any) -> Webhook:
            row = self._row(tx, webhook_id)
            columns = ", ".join(f"{column} = ?" for column in changes)
            tx.execute(f"update webhook set {columns} where id = ?", (*changes.values(), row))
            if events:
                tx.execute("delete from webhook_event where webhook_id = ?", (row,))
                _put_events(tx, row, events)
            return self._webhook(tx, webhook_id)

        return self.db.write(write)

    def delete_webhook(self, webhook_id: str) -> None:
        def write(tx: Any) -> None:
            row = self._row(tx, webhook_id)
            tx.execute(
                "update webhook set deleted_time = ?, secret = null where id = ?", (now_ms(), row)
            )
            tx.execute("delete from webhook_delivery where webhook_id = ?", (row,))

        self.db.write(write)

    def test_webhook(self, webhook_id: str, event: WebhookEvent | None = None) -> WebhookTestResult:
        from mlflow.webhooks.delivery import test_webhook

        with self.db.read() as tx:
            webhook = self._webhook(tx, webhook_id, with_secret=True)
        return test_webhook(webhook, event)

    # -- deliveries -------------------------------------------------------------------------

    def has_webhooks(self) -> bool:
        """Whether there is anybody to send anything to."""
        with self.db.read() as tx:
            query = "select 1 from webhook where deleted_time is null limit 1"
            return tx.execute(query).fetchone() is not None

    def claim_deliveries(self, limit: int, lease: int) -> list[Delivery]:
        """Deliveries that are due, oldest first. Nobody else gets them for `lease` milliseconds."""
        now = now_ms()
        with self.db.read() as tx:
            due = tx.execute(
                "select id, next_time from webhook_delivery where next_time <= ? "
                "order by next_time, id limit ?",
                (now, limit),
            ).fetchall()
        if not due:
            return []

        def claim(tx: Any) -> list[int]:
            # Each on its own condition: who comes second finds another time there.
            statement = (
                "update webhook_delivery set next_time = ?, attempts = attempts + 1 "
                "where id = ? and next_time = ?"
            )
            return [
                row for row, at in due if tx.execute(statement, (now + lease, row, at)).rowcount
            ]

        claimed = self.db.write(claim)
        if not claimed:
            return []
        with self.db.read() as tx:
            rows = tx.execute(
                "select d.id, d.uuid, w.name, w.url, w.secret, d.content, d.attempts, "
                "case when w.status = ? and w.deleted_time is null then 1 else 0 end "
                "from webhook_delivery d join webhook w on w.id = d.webhook_id "
                f"where d.id in ({marks(claimed)}) order by d.id",
                (WebhookStatus.ACTIVE.value, *claimed),
            ).fetchall()
        return [Delivery(*row[:7], bool(row[7])) for row in rows]

    def finish_delivery(self, delivery: Delivery) -> None:
        """It was received, or is given up."""
        statement = "delete from webhook_delivery where id = ?"
        self.db.write(lambda tx: tx.execute(statement, (delivery.id,)))

    def postpone_delivery(self, delivery: Delivery, wait: int) -> None:
        """Try again after `wait` milliseconds."""
        at = now_ms() + wait
        statement = "update webhook_delivery set next_time = ? where id = ?"
        self.db.write(lambda tx: tx.execute(statement, (at, delivery.id)))

    def next_delivery(self) -> int | None:
        """Milliseconds until the next delivery is due; None if none waits."""
        with self.db.read() as tx:
            [(at,)] = tx.execute("select min(next_time) from webhook_delivery").fetchall()
        return None if at is None else max(0, at - now_ms())

    # -- rows -------------------------------------------------------------------------------

    def _row(self, tx: Any, webhook_id: str) -> int:
        row = tx.execute(
            "select id from webhook where uuid = ? and deleted_time is null"
            + self.db.dialect.update_lock,
            (str(webhook_id),),
        ).fetchone()
        if row is None:
            raise _no_webhook(webhook_id)
        return row[0]

    def _webhook(self, tx: Any, webhook_id: str, with_secret: bool = False) -> Webhook:
        row = tx.execute(
            f"select {_COLUMNS}, w.secret from webhook w "
            "where w.uuid = ? and w.deleted_time is null",
            (str(webhook_id),),
        ).fetchone()
        if row is None:
            raise _no_webhook(webhook_id)
        *columns, secret = row
        [webhook] = _webhooks(tx, [tuple(columns)])
        if with_secret and secret:
            webhook._secret = decrypt(secret)
        return webhook

    def _page(
        self, condition: str, params: list[Any], max_results: int | None, page_token: str | None
    ) -> PagedList[Webhook]:
        size = check_max_results(max_results)
        if page_token:
            behind, place = after(_NEWEST_FIRST, place_of(page_token, _NEWEST_FIRST))
            condition, params = f"{condition} and {behind}", [*params, *place]
        with self.db.read() as tx:
            rows = tx.execute(
                f"select {_COLUMNS} from webhook w where w.deleted_time is null{condition} "
                f"{order_clause(_NEWEST_FIRST)} limit ?",
                (*params, size + 1),
            ).fetchall()
            token = encode_token([rows[size - 1][0]]) if len(rows) > size else None
            return PagedList(_webhooks(tx, rows[:size]), token)


def message(event: WebhookEvent, data: dict[str, Any]) -> str:
    """The body that tells of an event that happens now."""
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    body = {"entity": event.entity, "action": event.action, "timestamp": now, "data": data}
    return json.dumps(body)


def _told(event: str, payload: dict[str, Any]) -> dict[str, Any]:
    data = {name: payload.get(name) for name in _TOLD[event]}
    if "tags" in data:
        data["tags"] = data["tags"] or {}
    if "version" in data:
        data["version"] = str(data["version"])
    if event == "registered_model.created":
        data["description"] = data["description"] or ""
    elif event == "model_version.created":
        data["description"] = data["description"] or None
        data["run_id"] = data["run_id"] or None
    return data


def _is_prompt(tx: Any, payload: dict[str, Any]) -> bool:
    """Prompts are kept as models, but are none."""
    row = tx.execute(
        "select t.value from registered_model m join registered_model_tag t on t.model_id = m.id "
        "where m.name = ? and t.name = ?",
        (payload["name"], PROMPT_TAG),
    ).fetchone()
    return row is not None and str(row[0]).lower() == "true"


def _check(name: str | None, url: str | None, description: str | None) -> None:
    if name is not None:
        check_name(name)
    if url is not None:
        check_url(url)
    check_description(description)


def _put_events(tx: Any, webhook: int, events: Sequence[WebhookEvent]) -> None:
    for event in sorted(set(map(str, events))):
        tx.execute("insert into webhook_event (webhook_id, event) values (?, ?)", (webhook, event))


def _webhooks(tx: Any, rows: Sequence[tuple[Any, ...]]) -> list[Webhook]:
    """The webhooks in these rows, without their secrets."""
    ids = [row[0] for row in rows]
    events: dict[int, list[WebhookEvent]] = {row: [] for row in ids}
    if ids:
        query = f"select webhook_id, event from webhook_event where webhook_id in ({marks(ids)})"
        for row, event in sorted(tx.execute(query, ids).fetchall()):
            events[row].append(WebhookEvent.from_str(event))
    return [
        Webhook(
            webhook_id=key,
            name=name,
            url=url,
            events=events[row],
            creation_timestamp=created,
            last_updated_timestamp=updated,
            description=description,
            status=status,
        )
        for row, key, name, description, url, status, created, updated in rows
    ]


def _no_webhook(webhook_id: str) -> MlflowException:
    return MlflowException(
        f"Webhook with ID {webhook_id} not found.", error_code=CODES["RESOURCE_DOES_NOT_EXIST"]
    )
