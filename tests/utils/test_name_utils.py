import random
import re

from mlflow.utils.name_utils import (
    _WORDS,
    _generate_random_name,
    _generate_unique_integer_id,
)


def test_name_is_adjective_noun_and_number():
    for _ in range(300):
        name = _generate_random_name()
        adjective, noun, number = name.split("-")
        assert adjective in _WORDS[0]
        assert noun in _WORDS[1]
        assert 0 <= int(number) < 1000
        assert len(name) <= 20


def test_separator_and_size_of_the_number():
    assert re.fullmatch(r"[a-z]+_[a-z]+_0", _generate_random_name("_", integer_scale=0))


def test_name_is_cut_when_nothing_fits():
    assert len(_generate_random_name(max_length=5)) == 5


def test_seed_of_the_program_is_neither_used_nor_moved():
    random.seed(1)
    expected = random.random()
    random.seed(1)
    names = {_generate_random_name()}
    assert random.random() == expected
    random.seed(1)
    names |= {_generate_random_name() for _ in range(20)}
    assert len(names) > 1


def test_words_are_simple_and_differ():
    for words in _WORDS:
        assert len(words) == len(set(words)) >= 60
        assert all(re.fullmatch("[a-z]+", word) for word in words)


def test_integer_id_has_eighteen_digits():
    ids = {_generate_unique_integer_id() for _ in range(100)}
    assert len(ids) == 100
    assert {len(str(one)) for one in ids} == {18}
