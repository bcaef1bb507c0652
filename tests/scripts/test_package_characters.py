"""scripts/package_characters.py: what is packaged is what was trained, with figures of the weights as shipped."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from strokes.characters.data import CharacterSet
from strokes.characters.kinds.classifier import ClassifierSizes
from strokes.characters.kinds.cvae import ConditionalVAESizes
from strokes.characters.model import load_model
from strokes.characters.scores import accuracy
from strokes.characters.training import default_config, train

SCRIPT = Path(__file__).parents[2] / "scripts" / "package_characters.py"
SIZES = {"classifier": ClassifierSizes(width=2, features=6), "cvae": ConditionalVAESizes(hidden=6, latent=3)}


@pytest.fixture(scope="module")
def characters() -> CharacterSet:
    """Noise in two classes of digits and two of letters, 12 of each in every split."""
    count = 3 * 12 * 4
    return CharacterSet(
        images=np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8),
        labels=np.arange(count) % 4,
        classes="01AB",
        splits=(np.arange(count) // 4 % 3).astype(np.uint8),
        sources=("mnist",),
        origins=np.zeros(count, np.uint16),
    )


def test_models_are_packaged_with_their_figures(characters, tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("package_characters", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    home = tmp_path / "home"
    monkeypatch.setattr(script, "_HOME", home)
    characters.save(tmp_path / "data.npz")
    for kind, sizes in SIZES.items():
        config = default_config(kind, epochs=1, classes="", sizes=sizes)
        train(kind, characters, tmp_path / kind, config)
        script.package(kind, tmp_path / kind, str(tmp_path / "data.npz"))
        assert {p.name for p in (home / kind).iterdir()} >= {"config.json", "model.safetensors", "curves.png"}
        printed = json.loads(capsys.readouterr().out)
        figures = load_model(home / kind).info["evaluation"]
        assert (
            printed["kind"] == kind
            and printed["all"] == figures["all"]
            and figures.keys() >= {"digits", "letters"}
        )
        assert (home / kind / "sheet.png").exists() == (kind == "cvae")
    judge = load_model(home / "classifier")
    images, labels = characters.subset("test")
    assert judge.info["evaluation"]["all"]["accuracy"] == pytest.approx(
        accuracy(judge.network, images, labels)
    )
    assert "judged" in load_model(home / "cvae").info["evaluation"]["letters"]
    with pytest.raises(SystemExit, match="is a cvae, not a gan"):
        script.package("gan", tmp_path / "cvae", str(tmp_path / "data.npz"))
