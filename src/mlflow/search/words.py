"""Plain words: the search of somebody who writes no filter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.search.errors import shorten
from mlflow.search.lexer import check_characters

_MOST_WORDS = 20
_LONGEST = 1000

_OWN = "mlflow."
#: Of the tags that the system sets, those in which somebody would look for a word.
READ_TAGS = (
    "mlflow.note.content",
    "mlflow.runName",
    "mlflow.source.git.branch",
    "mlflow.source.git.commit",
    "mlflow.source.name",
    "mlflow.user",
)


def words_of(text: str | None) -> list[str]:
    """The words in a text, each once; none in None.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE if there are more than 20, or 1000 characters, or
            characters that no store could compare with.
    """
    if not text:
        return []
    check_characters(text)
    words = list(dict.fromkeys(text.split()))
    if len(text) > _LONGEST or len(words) > _MOST_WORDS:
        raise MlflowException.invalid_parameter_value(
            f"Invalid text '{shorten(text)}'; at most {_MOST_WORDS} words in {_LONGEST} characters "
            "can be looked for."
        )
    return words


def is_read(tag: str) -> bool:
    """Whether words are looked for in the values of a tag."""
    return not tag.startswith(_OWN) or tag in READ_TAGS


def has_words(run: Any, words: Sequence[str]) -> bool:
    """Whether each word occurs in a `Run`: in its name, a param or a tag, or as the beginning of
    its id. Capitals count as small letters."""
    texts = list(_texts(run))
    run_id = run.info.run_id
    return all(
        run_id.startswith(word) or any(word in text for text in texts)
        for word in (word.lower() for word in words)
    )


def _texts(run: Any) -> Iterable[str]:
    yield (run.info.run_name or "").lower()
    for value in run.data.params.values():
        yield value.lower()
    for key, value in run.data.tags.items():
        if is_read(key):
            yield value.lower()
