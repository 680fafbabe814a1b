"""Finding the rows of a table of runs in a SQL database: their integer ids, and the tree that they
make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from mlflow.rpc.ui.runs import MOST_FOUND, FoundRuns
from mlflow.search import RUNS, OrderBy, parse_filter, parse_order_by
from mlflow.search.words import READ_TAGS, words_of
from mlflow.store.db.paging import encode_token, place_of
from mlflow.store.tracking.nesting import nested
from mlflow.store.tracking.sql.conditions import Condition, Membership, both
from mlflow.store.tracking.sql.content import BATCH
from mlflow.store.tracking.sql.core import SqlCore, marks
from mlflow.store.tracking.sql.pages import membership_of
from mlflow.store.tracking.sql.search import RunSearch
from mlflow.utils.collection import no_collection
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

#: So many generations of ancestors are looked for that do not match themselves.
_GENERATIONS = 100


class SqlFinding(SqlCore):
    def find_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        text: str | None,
        run_view_type: int,
        order_by: Sequence[str] | None = None,
        tree: bool = False,
        max_results: int = MOST_FOUND,
        page_token: str | None = None,
    ) -> FoundRuns:
        membership = membership_of(experiment_ids, run_view_type)
        orders = parse_order_by(order_by, RUNS)
        with self.db.read() as tx:
            search = self._run_search(tx, membership, filter_string, text, orders)
            place = place_of(page_token, search.terms) if page_token else None
            with no_collection(max_results):
                found = search.page(max_results + 1, place) if membership.pairs else []
            answer = FoundRuns(total=len(found), rows=[])
            if len(found) > max_results:
                del found[max_results:]
                values = zip(found[-1][1:], search.terms)
                answer.next_page_token = encode_token([t.kind(value) for value, t in values])
            if membership.pairs and (page_token or answer.next_page_token):
                answer.total = search.count()
            answer.rows = [row[0] for row in found]
            if tree:
                with no_collection(len(answer.rows)):
                    parents = self._parents_of(tx, answer.rows, membership)
                    answer.rows, answer.depth, answer.context = nested(answer.rows, parents)
        return answer

    def _run_search(
        self,
        tx: Any,
        membership: Membership,
        filter_string: str | None,
        text: str | None,
        orders: Sequence[OrderBy] = (),
    ) -> RunSearch:
        words = [self._has_word(tx, word) for word in words_of(text)]
        tree = parse_filter(filter_string, RUNS)
        key_id = partial(self._key_id, tx)
        return RunSearch(self.db.dialect, tx, key_id, membership, tree, orders, words)

    def _newest(
        self,
        tx: Any,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        text: str | None,
        run_view_type: int,
        limit: int,
    ) -> list[int]:
        """The newest runs that match, newest first."""
        membership = membership_of(experiment_ids, run_view_type)
        search = self._run_search(tx, membership, filter_string, text)
        return [row[0] for row in search.page(limit)] if membership.pairs else []

    def _has_word(self, tx: Any, word: str) -> Condition:
        """That a word is somewhere in `run r`."""
        read = marks(READ_TAGS)
        own = tx.execute(
            f"select id from key_name where name >= ? and name < ? and name not in ({read})",
            ("mlflow.", "mlflow/", *READ_TAGS),
        ).fetchall()
        unread = [key for (key,) in own]
        contains = self.db.dialect.contains
        value = f"where run_id = r.id and {contains('value')}"
        tag = f"{value} and key_id not in ({marks(unread)})" if unread else value
        texts = [
            Condition(contains("r.name"), [word]),
            Condition(f"exists (select 1 from param {value})", [word]),
            Condition(f"exists (select 1 from tag {tag})", [word, *unread]),
        ]
        if word.isascii() and word.isalnum():  # no pattern, whatever it is
            texts.append(Condition(self.db.dialect.like("r.uuid", ignore_case=False), [word + "%"]))
        return Condition(
            f"({' or '.join(t.text for t in texts)})", [v for t in texts for v in t.params]
        )

    # -- the tree ---------------------------------------------------------------------------------

    def _parents_of(self, tx: Any, runs: Sequence[int], membership: Membership) -> dict[int, int]:
        """Of these runs and their ancestors, as far as they are in the experiments and stages."""
        key = self._key_id(tx, MLFLOW_PARENT_RUN_ID)
        parents: dict[int, int] = {}
        if key is None:
            return parents
        if (few := self._few_links(tx, key, membership, len(runs) // 2)) is not None:
            return few
        known = set(runs)
        waiting: Sequence[int] = sorted(runs)  # as they lie in the tables
        for _ in range(_GENERATIONS):
            found = dict(self._links(tx, key, waiting, membership))
            parents.update(found)
            waiting = sorted(set(found.values()) - known)
            known.update(waiting)
            if not waiting:
                break
        return parents

    def _few_links(
        self, tx: Any, key: int, membership: Membership, limit: int
    ) -> dict[int, int] | None:
        """The parents of all runs there are; None if there are more than `limit`."""
        tags = self.db.dialect.by_index("tag t", "tag_by_value")
        (count,) = tx.execute(
            f"select count(*) from (select 1 from {tags} where t.key_id = ? limit ?) x",
            (key, limit + 1),
        ).fetchone()
        if count > limit:
            return None
        parent = self.db.dialect.look_up("run", "p", "p.uuid = t.value")
        where = both((Condition("t.key_id = ?", [key]), membership.check("p.")))
        return dict(
            tx.execute(
                f"select t.run_id, p.id from {tags} {parent} where {where.text}", where.params
            ).fetchall()
        )

    def _links(
        self, tx: Any, key: int, runs: Sequence[int], membership: Membership
    ) -> Iterable[tuple[int, int]]:
        """(child, parent) for those of the runs that have a parent there.

        Args:
            key: The id of the key of the tag that has it.
        """
        within = membership.check("p.")
        parent = self.db.dialect.look_up("run", "p", "p.uuid = t.value")
        for i in range(0, len(runs), BATCH):
            part = runs[i : i + BATCH]
            where = both(
                (Condition(f"t.run_id in ({marks(part)}) and t.key_id = ?", [*part, key]), within)
            )
            yield from tx.execute(
                f"select t.run_id, p.id from tag t {parent} where {where.text}", where.params
            ).fetchall()
