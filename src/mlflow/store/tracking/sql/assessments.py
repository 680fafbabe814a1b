"""Assessments of traces in a SQL database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlflow.entities import Assessment
from mlflow.entities._proto_json import timestamp_text
from mlflow.entities.assessment import ExpectationValue, FeedbackValue
from mlflow.store.tracking.base.assessment_rules import (
    KINDS,
    changed,
    kind_of,
    new_assessment,
    searched_value,
)
from mlflow.store.tracking.base.trace_checks import (
    no_assessment,
    no_trace,
    no_trace_of_assessment,
)
from mlflow.store.tracking.base.traces import Traces
from mlflow.store.tracking.sql.core import SqlCore, marks

_BATCH = 500


class SqlAssessments(SqlCore, Traces):
    def create_assessment(self, assessment: Assessment) -> Assessment:
        made = new_assessment(assessment)
        made.last_update_time_ms = made.create_time_ms

        def write(tx: Any) -> Assessment:
            trace = self._trace_key(tx, made.trace_id)
            if trace is None:
                raise no_trace(str(made.trace_id))
            if made.overrides:
                self._override(tx, trace, str(made.trace_id), made.overrides)
            self._insert_assessment(tx, trace, made)
            return made

        return self.db.write(write)

    def get_assessment(self, trace_id: str, assessment_id: str) -> Assessment:
        with self.db.read() as tx:
            return self._assessment(tx, trace_id, assessment_id)[1]

    def update_assessment(
        self,
        trace_id: str,
        assessment_id: str,
        name: str | None = None,
        expectation: ExpectationValue | None = None,
        feedback: FeedbackValue | None = None,
        rationale: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Assessment:
        def write(tx: Any) -> Assessment:
            lock = self.db.dialect.update_lock
            key, there = self._assessment(tx, trace_id, assessment_id, lock)
            made = changed(there, name, expectation, feedback, rationale, metadata)
            tx.execute(
                f"update assessment set {', '.join(f'{c} = ?' for c in _CHANGED)} where id = ?",
                (*_columns(made)[-len(_CHANGED) :], key),
            )
            return made

        return self.db.write(write)

    def delete_assessment(self, trace_id: str, assessment_id: str) -> None:
        def write(tx: Any) -> None:
            trace = self._trace_key(tx, trace_id)
            row = tx.execute(
                "select content from assessment where uuid = ? and trace_id = ?"
                + self.db.dialect.update_lock,
                (assessment_id, -1 if trace is None else trace),
            ).fetchone()
            if row is None:
                return
            tx.execute("delete from assessment where uuid = ?", (assessment_id,))
            overridden = json.loads(row[0]).get("overrides")
            if overridden:
                tx.execute("update assessment set valid = 1 where uuid = ?", (overridden,))

        self.db.write(write)

    def _add_new_assessments(self, tx: Any, trace: int, assessments: Sequence[Assessment]) -> None:
        """Add to a trace those that came with it, as far as they are not there."""
        for assessment in assessments:
            made = new_assessment(assessment)
            there = tx.execute(
                "select 1 from assessment where uuid = ?", (made.assessment_id,)
            ).fetchone()
            if there is None:
                self._insert_assessment(tx, trace, made)

    def _insert_assessment(self, tx: Any, trace: int, made: Assessment) -> None:
        names = ("uuid", "trace_id", "create_time", *_CHANGED)
        values = (made.assessment_id, trace, made.create_time_ms, *_columns(made))
        tx.execute(f"insert into assessment ({', '.join(names)}) values ({marks(values)})", values)

    def _override(self, tx: Any, trace: int, trace_id: str, assessment_id: str) -> None:
        done = tx.execute(
            "select id from assessment where uuid = ? and trace_id = ?", (assessment_id, trace)
        ).fetchone()
        if done is None:
            raise no_assessment(trace_id, assessment_id)
        tx.execute("update assessment set valid = 0 where id = ?", done)

    def _trace_key(self, tx: Any, trace_id: str | None) -> int | None:
        row = tx.execute(
            "select id from trace where uuid = ?" + self.db.dialect.share_lock, (trace_id or "",)
        ).fetchone()
        return row[0] if row else None

    def _assessment(
        self, tx: Any, trace_id: str, assessment_id: str, lock: str = ""
    ) -> tuple[int, Assessment]:
        """The integer id of an assessment, and it."""
        row = tx.execute("select id from trace where uuid = ?", (trace_id,)).fetchone()
        if row is None:
            raise no_trace_of_assessment(trace_id)
        found = tx.execute(
            f"select id, {_READ} from assessment where uuid = ? and trace_id = ?{lock}",
            (assessment_id, row[0]),
        ).fetchone()
        if found is None:
            raise no_assessment(trace_id, assessment_id)
        return found[0], _entity(trace_id, *found[1:])

    def _assessments_of(self, tx: Any, traces: Mapping[int, str]) -> dict[int, list[Assessment]]:
        """The assessments of each trace, in the order in which they came.

        Args:
            traces: Public ids by integer ids.
        """
        found: dict[int, list[Assessment]] = {}
        keys = list(traces)
        for i in range(0, len(keys), _BATCH):
            part = keys[i : i + _BATCH]
            rows = tx.execute(
                f"select trace_id, {_READ} from assessment where trace_id in ({marks(part)}) "
                "order by trace_id, id",
                part,
            )
            for trace, *row in rows.fetchall():
                found.setdefault(trace, []).append(_entity(traces[trace], *row))
        return found


_CHANGED = ("name", "kind", "value", "number", "valid", "last_update_time", "content")
_READ = "uuid, name, kind, value, valid, create_time, last_update_time, content"


def _columns(assessment: Assessment) -> tuple[Any, ...]:
    """What is in the columns `_CHANGED`."""
    kind = KINDS.index(kind_of(assessment))
    text, number = searched_value(assessment)
    rest = {
        "source": assessment.source.to_dictionary(),
        "run_id": assessment.run_id,
        "rationale": assessment.rationale,
        "metadata": assessment.metadata,
        "span_id": assessment.span_id,
        "overrides": assessment.overrides,
    }
    if assessment.feedback is not None and assessment.feedback.error is not None:
        rest["error"] = assessment.feedback.error.to_dictionary()
    content = json.dumps({name: part for name, part in rest.items() if part is not None})
    valid = 0 if assessment.valid is False else 1
    return assessment.name, kind, text, number, valid, assessment.last_update_time_ms, content


def _entity(
    trace_id: str,
    assessment_id: str,
    name: str,
    kind: int,
    value: str,
    valid: int,
    create_time: int,
    last_update_time: int,
    content: str,
) -> Assessment:
    rest = json.loads(content)
    said = json.loads(value)
    own: dict[str, Any] = {
        "feedback": {"value": said, "error": rest.get("error")},
        "expectation": {"value": said},
        "issue": {"issue_name": said},
    }[KINDS[kind]]
    made = Assessment.from_dictionary(
        {
            **rest,
            "assessment_id": assessment_id,
            "assessment_name": name,
            "trace_id": trace_id,
            "create_time": timestamp_text(create_time),
            "last_update_time": timestamp_text(last_update_time),
            KINDS[kind]: own,
        }
    )
    made.valid = bool(valid)
    made.run_id = rest.get("run_id", made.run_id)
    return made
