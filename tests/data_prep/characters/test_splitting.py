"""Splits, caps and seeds, and images that are there twice."""

from __future__ import annotations

import random

import numpy as np
from character_files import (
    IMAGES,
    LABELS,
    LETTERS,
    csv_lines,
    made_images,
    prepare,
    rows,
    same,
    write_csv,
    write_idx,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from strokes.characters.data import TEST, TRAIN, VALIDATION, CharacterSet


def test_splits_are_stratified(letters):
    characters = prepare([letters], validation=0.2, test=0.1)[0]
    assert characters.counts().tolist() == [[14, 4, 2], [28, 8, 4], [42, 12, 6]]
    assert prepare([letters], validation=0, test=0)[0].counts()[:, TRAIN].tolist() == [20, 40, 60]
    assert prepare([letters], validation=0.5, test=0.5)[0].counts()[:, TRAIN].sum() == 0


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(0, 25), min_size=1, max_size=5).filter(any),
    validation=st.floats(0, 0.5),
    test=st.floats(0, 0.5),
    seed=st.integers(0, 2**63 - 1),
)
def test_every_class_has_its_share_in_every_split(counts, validation, test, seed, tmp_path_factory):
    labels = np.repeat(np.arange(len(counts)), counts)
    path = write_csv(tmp_path_factory.mktemp("c") / "l.csv", csv_lines(made_images(len(labels)), labels))
    characters, report = prepare([path], validation=validation, test=test, seed=seed)
    assert characters.classes == "".join(LETTERS[i] for i, n in enumerate(counts) if n)
    found = characters.counts()
    assert found.sum(axis=1).tolist() == [n for n in counts if n]
    for n, row in zip([n for n in counts if n], found, strict=True):
        assert abs(row[TEST] - n * test) <= 0.5 and abs(row[VALIDATION] - n * validation) <= 1
    assert np.array_equal(report.splits, found)


def test_the_order_of_rows_says_nothing_and_the_seed_all(letters, tmp_path):
    lines = letters.read_text().splitlines()
    random.Random(3).shuffle(lines)
    (tmp_path / "other").mkdir()
    shuffled = write_csv(tmp_path / "other" / "letters.csv", lines)
    options = {"cap": 10, "validation": 0.15, "test": 0.15}
    one = prepare([letters], **options)[0]
    assert same(one, prepare([letters], **options)[0])
    assert same(one, prepare([shuffled], **options)[0])
    other = prepare([letters], **options, seed=2)[0]
    assert rows(one) != rows(other) and one.counts().tolist() == other.counts().tolist()
    assert not np.all(np.diff(one.labels[one.splits == TRAIN]) >= 0)  # mixed, not class by class


def test_splits_are_drawn_anew_for_every_seed_and_do_not_lean_on_the_cap(letters):
    """The rows kept under a cap are as likely to come from anywhere as others."""
    tested = [prepare([letters], test=0.5, validation=0, seed=s)[0] for s in range(8)]
    sets = [frozenset(i for i, _, split, _ in rows(c) if split == "test") for c in tested]
    assert len(set(sets)) == 8
    assert all(20 < len(a & b) < 40 for a in sets for b in sets if a is not b)  # 30 of 60 by chance


def test_a_cap_takes_from_training_only(letters):
    free = prepare([letters], validation=0.2, test=0.1)[0]
    capped, report = prepare([letters], validation=0.2, test=0.1, cap=15)
    assert capped.counts().tolist() == [[14, 4, 2], [15, 8, 4], [15, 12, 6]]
    assert rows(capped) <= rows(free)
    assert report.counts[0] == {"read": 120, "kept": 80, "over the cap": 40}
    tighter = prepare([letters], validation=0.2, test=0.1, cap=5)[0]
    assert rows(tighter) <= rows(capped)


def test_a_cap_is_shared_fairly_by_the_sources(tmp_path):
    for n, name in enumerate(("one.csv", "two.csv")):
        write_csv(tmp_path / name, csv_lines(made_images(300, n), np.zeros(300, int)))
    characters = prepare([tmp_path / "one.csv", tmp_path / "two.csv"], test=0.4, validation=0, cap=100)[0]
    share = (characters.origins[characters.splits == TRAIN] == 0).mean()
    assert 0.35 < share < 0.65


def test_another_source_does_not_move_the_first_ones_rows(letters, tmp_path):
    other = write_csv(tmp_path / "more.csv", csv_lines(made_images(30, 77), np.arange(30) % 3))
    alone = prepare([letters])[0]
    both = prepare([letters, other])[0]
    assert rows(alone) <= rows(both) and len(both) == 150


def test_the_file_brings_back_what_was_prepared(letters, tmp_path):
    characters = prepare([letters], cap=9, seed=5)[0]
    characters.save(tmp_path / "c.npz")
    again = CharacterSet.load(tmp_path / "c.npz")
    assert same(characters, again) and again.options == characters.options
    assert again.options["cap"] == 9 and again.options["seed"] == 5


def test_repeated_images_are_there_once(tmp_path):
    images = made_images(40)
    lines = csv_lines(images, np.zeros(40, int))
    path = write_csv(tmp_path / "l.csv", lines + lines[:25])
    characters, report = prepare([path], test=0.5, validation=0.2)
    assert len({i.tobytes() for i in characters.images}) == len(characters) == 40
    assert report.counts[0] == {"read": 65, "kept": 40, "repeated": 25}
    all_, report = prepare([path], deduplicate=False)
    assert len(all_) == 65 and report.counts[0] == {"read": 65, "kept": 65}


def test_what_is_tested_on_is_not_trained_on(tmp_path):
    train, test = made_images(40), made_images(30, 1)
    train[:7] = test[:7]
    test[20:22] = test[22:24]  # an official test set stays as it is
    write_idx(tmp_path / "mnist", train, np.arange(40) % 10)
    write_idx(tmp_path / "mnist", test, np.r_[np.arange(20), 0, 1, 0, 1, np.arange(6)] % 10, "t10k-")
    other = write_csv(tmp_path / "mnist_more.csv", csv_lines(test[10:15], np.arange(5)))
    characters, report = prepare([other, tmp_path / "mnist"])
    tested = {image for image, _, split, _ in rows(characters) if split == "test"}
    trained = {image for image, _, split, _ in rows(characters) if split != "test"}
    assert not tested & trained
    assert report.counts[0] == {"read": 5, "kept": 0, "also a test image": 5}
    assert report.counts[1] == {"read": 70, "kept": 63, "also a test image": 7}
    assert (characters.splits == TEST).sum() == 30


def test_one_image_of_two_classes_is_in_neither(tmp_path):
    images = made_images(6)
    images[3] = images[0]
    path = write_csv(tmp_path / "l.csv", csv_lines(images, np.arange(6)))
    characters, report = prepare([path])
    assert characters.classes == "BCEF" and report.counts[0]["one image, two classes"] == 2


def test_between_sources_the_first_keeps_what_both_have(tmp_path):
    one = write_csv(tmp_path / "one.csv", csv_lines(IMAGES, LABELS))
    two = write_csv(tmp_path / "two.csv", csv_lines(IMAGES[4:], LABELS[4:]))
    report = prepare([one, two])[1]
    assert [c["kept"] for c in report.counts] == [9, 0]
    report = prepare([two, one])[1]
    assert [c["kept"] for c in report.counts] == [5, 4]
