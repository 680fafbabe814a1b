"""Reading runs from a SQL database, one or a page of them, in the form that the caller wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from mlflow.entities import LifecycleStage, Run, RunStatus
from mlflow.rpc import nouns as wire
from mlflow.search import RUNS, parse_filter, parse_order_by
from mlflow.store.db.paging import encode_token, place_of
from mlflow.store.tracking import SEARCH_MAX_RESULTS_DEFAULT
from mlflow.store.tracking.base.checks import check_max_results
from mlflow.store.tracking.base.columns import RunColumns
from mlflow.store.tracking.base.runs import Runs
from mlflow.store.tracking.sql.conditions import Membership
from mlflow.store.tracking.sql.content import BATCH, Content, Page, read_contents, unpack
from mlflow.store.tracking.sql.core import RUN_COLUMNS, RunRow, SqlCore, experiment_key, marks
from mlflow.store.tracking.sql.packing import Packer
from mlflow.store.tracking.sql.search import RunSearch
from mlflow.utils.collection import no_collection

#: About how many objects come of one run.
_OBJECTS_OF_A_RUN = 20


class SqlPages(SqlCore, Runs):
    @cached_property
    def _packer(self) -> Packer:
        return Packer(self.db)

    def get_run(self, run_id: str) -> Run:
        with self.db.read() as tx:
            (page,) = self._load(tx, [self._run_row(tx, run_id).id])
            return page.runs()[0]

    def _search_runs(self, *search: Any) -> tuple[list[Run], str | None]:
        runs: list[Run] = []
        return runs, self._read_pages(lambda page: runs.extend(page.runs()), *search)

    def _search_run_messages(self, *search: Any) -> tuple[list[wire.Run], str | None]:
        runs: list[wire.Run] = []
        return runs, self._read_pages(lambda page: runs.extend(page.messages()), *search)

    def _search_run_columns(self, columns: RunColumns, *search: Any) -> str | None:
        return self._read_pages(lambda page: page.add_to(columns), *search)

    def count_runs(
        self, experiment_ids: Sequence[str], filter_string: str | None, run_view_type: int
    ) -> int:
        """How many runs match, on all pages together."""
        membership = membership_of(experiment_ids, run_view_type)
        tree = parse_filter(filter_string, RUNS)
        if not membership.pairs:
            return 0
        with self.db.read() as tx:
            key_id = partial(self._key_id, tx)
            return RunSearch(self.db.dialect, tx, key_id, membership, tree).count()

    def _read_pages(
        self,
        take: Callable[[Page], None],
        experiment_ids: Sequence[str],
        filter_string: str | None,
        run_view_type: int,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> str | None:
        """Give what is found to `take`, in parts, so that they are not all in memory at once; the
        token of what follows."""
        check_max_results(max_results)
        membership = membership_of(experiment_ids, run_view_type)
        tree = parse_filter(filter_string, RUNS)
        orders = parse_order_by(order_by, RUNS)
        with self.db.read() as tx:
            search = RunSearch(
                self.db.dialect, tx, partial(self._key_id, tx), membership, tree, orders
            )
            place = place_of(page_token, search.terms) if page_token else None
            found = search.page(max_results + 1, place) if membership.pairs else []
            token = None
            if len(found) > max_results:
                del found[max_results:]
                values = zip(found[-1][1:], search.terms)
                token = encode_token([term.kind(value) for value, term in values])
            with no_collection(_OBJECTS_OF_A_RUN * len(found)):
                for page in self._load(tx, [row[0] for row in found]):
                    take(page)
            return token

    # -- loading ------------------------------------------------------------------------------

    def _load(self, tx: Any, runs: Sequence[int]) -> Iterator[Page]:
        """Runs with all they logged, by their integer ids, in this order."""
        for i in range(0, len(runs), BATCH):
            part = runs[i : i + BATCH]
            rows: dict[int, RunRow] = {}
            contents: dict[int, Content] = {}
            missing = []
            for *row, packed in tx.execute(
                f"select {RUN_COLUMNS}, p.content from run r "
                f"left join packed_run p on p.run_id = r.id where r.id in ({marks(part)})",
                part,
            ):
                run = row[0]
                rows[run] = RunRow(*row)
                content = unpack(packed) if packed else None
                if content is None:
                    missing.append(run)
                else:
                    contents[run] = content
            if missing:
                contents.update(read_contents(tx, missing))
                ended = [run for run in missing if RunStatus.is_terminated(rows[run].status)]
                self._packer.later(ended)
            found = [contents[run] for run in part]
            keys: set[int] = set()
            for c in found:
                keys.update(c.param_keys, c.tag_keys, c.metric_keys)
            datasets = {key for c in found for key, _ in c.datasets}
            yield Page(
                [rows[run] for run in part],
                found,
                self._names_of(tx, keys),
                _datasets(tx, list(datasets)),
            )


def membership_of(experiment_ids: Sequence[str], run_view_type: int) -> Membership:
    stages = LifecycleStage.view_type_to_stages(run_view_type)
    return Membership([experiment_key(e) for e in experiment_ids], stages)


def _datasets(tx: Any, keys: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    found = {}
    for i in range(0, len(keys), BATCH):
        part = keys[i : i + BATCH]
        for key, *fields in tx.execute(
            "select id, name, digest, source_type, source, schema_json, profile from dataset "
            f"where id in ({marks(part)})",
            part,
        ):
            found[key] = tuple(fields)
    return found
