"""Devices as data: what is packaged, what a user's file changes, and how wrong ones are refused."""

from __future__ import annotations

import pytest

from strokes.export.devices import GcodeDevice, HpglDevice, find_device, known_devices
from strokes.files import InputError


@pytest.mark.parametrize("kind", [GcodeDevice, HpglDevice])
def test_every_packaged_device_is_whole(kind):
    names = list(known_devices(kind))
    assert len(names) >= 2 and find_device(kind) == find_device(kind, names[0])
    for name in names:
        assert find_device(kind, name).about


def test_a_users_file_changes_single_values_and_adds_devices(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        '[gcode.servo]\ndown = 60\n[gcode.wall]\nlike = "z-axis"\nwidth = 2000\nheight = 1500\n'
        "[hpgl.generic]\npens = 2\n",
        encoding="utf-8",
    )
    ours, changed = find_device(GcodeDevice, "servo"), find_device(GcodeDevice, "servo", file)
    assert (ours.down, changed.down) == (90, 60) and changed.pen_down == ours.pen_down
    wall = find_device(GcodeDevice, "wall", file)
    assert (wall.width, wall.height, wall.pen_up) == (2000, 1500, find_device(GcodeDevice, "z-axis").pen_up)
    assert find_device(HpglDevice, "generic", file).pens == 2 and find_device(HpglDevice, "generic").pens == 8
    with pytest.raises(InputError, match="no device 'wall'; give one of servo, servo-a3"):
        find_device(GcodeDevice, "wall")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("down = ", "not a TOML file"),
        ("\xff", "there is no section|not a TOML"),
        ("down = 60", "no section 'down'"),
        ("[servo]\ndown = 60", "no section 'servo'"),
        ("[gcode]\nservo = 3", "gcode.servo is no table"),
        ("[gcode.servo]\npen = 3", "servo: there is no value 'pen'; there are about, width"),
        ('[gcode.servo]\nwidth = "wide"', "servo: .*width"),
        ("[gcode.servo]\nwidth = -3", "servo: .*width"),
        ("[gcode.servo]\nwidth = nan", "servo: .*width"),
        ("[gcode.servo]\ndraw_speed = 0", "servo: .*draw_speed"),
        ('[gcode.servo]\norigin = "middle"', "servo: .*origin"),
        ('[gcode.servo]\nlike = "none"', "like names no device"),
        ("[gcode.servo]\nlike = [1]", "like names no device"),
        ("a = " + "[" * 2000, "not a TOML file"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence_that_names_it(content, match, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=match) as e:
        find_device(GcodeDevice, "servo", file)
    assert "mine.toml" in str(e.value) and "\n" not in str(e.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: cannot be read"):
        find_device(GcodeDevice, "servo", tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        find_device(GcodeDevice, "servo", tmp_path)
