"""Where a line ends and where the network begins anew, on made-up windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from strokes.network import NetworkConfig, StrokeNetwork
from strokes.sampling.engine import BLOCK
from strokes.sampling.sample import (
    _BREATH,
    _CARRY,
    _LATE_STROKES,
    _NEXT_WORD,
    _NEXT_WORD_STEP,
    Sampler,
    _Line,
)

NEAR, FAR = 0.5 * _NEXT_WORD_STEP, 2 * _NEXT_WORD_STEP


def line(text: str = "on it") -> _Line:
    return _Line(text, np.arange(len(text) + len(_NEXT_WORD)))


def add(one: _Line, place: int, dx: float = 0.1, end: bool = False) -> bool:
    """A point drawn while the window is at `place` of the whole text."""
    phi = np.full(len(one.ids) + 1 - one.first_character, 0.01, np.float32)
    phi[place - one.first_character] = 1.0
    return one.add((dx, 0.0, float(end)), phi)


def write(one: _Line, upto: int) -> None:
    """Every character two points, every word one stroke."""
    for place in range(upto):
        begins = place and one.text[place - 1] == " "
        if one.text[place] != " ":
            assert add(one, place, FAR if begins else 0.1)
            assert add(one, place, end=one.text[place + 1 : place + 2] in (" ", ""))


def test_it_ends_without_the_step_to_the_next_word():
    one = line()
    write(one, 5)
    count = len(one.points)
    assert not add(one, 5, FAR) and one.finished
    assert len(one.points) == count == len(one.windows) + 1


def test_a_far_step_before_the_text_is_over_is_no_end():
    one = line()
    write(one, 5)
    assert add(one, 4, FAR) and not one.finished


def test_a_late_dot_belongs_to_the_line_and_there_are_only_so_many():
    one = line()
    write(one, 5)
    for _ in range(_LATE_STROKES):
        assert add(one, 5, -NEAR, end=True)
    count = len(one.points)
    assert not add(one, 5, -NEAR, end=True) and one.finished and len(one.points) == count


def test_a_full_stop_just_right_of_the_text_belongs_to_it():
    one = line()
    write(one, 5)
    assert add(one, 5, NEAR, end=True) and len(one.points) == 10


def test_going_on_to_the_next_word_in_one_stroke_is_cut_off():
    one = line()
    write(one, 5)
    one.points[-1] = (*one.points[-1][:2], 0.0)  # the pen stays down
    count = len(one.points)
    assert add(one, 5) and add(one, 5) and add(one, 6)
    assert not add(one, 7) and one.finished
    assert len(one.points) == count + 1 == len(one.windows) + 1


def test_a_line_too_long_is_given_up():
    one = line("a")
    n = 0
    while add(one, 0):
        n += 1
        assert n < 200
    assert not one.finished and n > 60


def test_it_takes_breath_at_a_word_far_enough_on_and_carries_the_last_words():
    text = "one two three four five six seven eight nine ten"
    one = line(text)
    breaths = []
    for place, character in enumerate(text):
        begins = place and text[place - 1] == " "
        if character == " ":
            continue
        assert add(one, place, FAR if begins else 0.1)
        first = one.first_character
        if one.take_breath():
            assert begins
            breaths.append(place)
            assert place - first >= _BREATH and place - one.first_character >= _CARRY
            assert text[one.first_character - 1] == " "
            points = one.since_breath()
            assert points[0][:2] == (0.0, 0.0) and len(points) == len(one.points) - one.first_point
            assert points[1:] == one.points[one.first_point + 1 :]
        assert add(one, place, end=text[place + 1 : place + 2] == " ")
    assert breaths and breaths[0] == text.index("six")


def test_short_lines_never_take_breath():
    one = line("on it")
    write(one, 5)
    assert not one.take_breath() and one.first_character == 0


@pytest.mark.parametrize("row", [0, 3, BLOCK - 1])
def test_after_a_breath_the_state_is_that_of_the_last_words_alone(row):
    from test_sample import SIZES, made

    model = made(0.2)
    sampler = Sampler(model)
    one = _Line("ab cab", model.alphabet.encode("ab cab" + _NEXT_WORD))
    rng = np.random.default_rng(0)
    one.points += [(*rng.normal(size=2), float(i % 4 == 3)) for i in range(12)]
    one.first_point, one.first_character = 5, 3
    text = sampler._one_hot([one.ids[3:]])[0]
    state = sampler._engine.initial_state()
    before = state.h1.copy()
    sampler._read(one, text, state, row)

    network = StrokeNetwork(len(model.alphabet), NetworkConfig(**SIZES))
    network.load_state_dict({k: torch.from_numpy(v) for k, v in model.weights.items()})
    points = torch.tensor([[(0.0, 0.0, one.points[5][2]), *one.points[6:-1]]], dtype=torch.float32)
    expected = network(points, torch.from_numpy(text[None])).state
    for name in expected._fields:
        np.testing.assert_allclose(getattr(state, name)[row], getattr(expected, name)[0].detach(), atol=1e-5)
    others = [r for r in range(BLOCK) if r != row]
    assert np.array_equal(state.h1[others], before[others])
