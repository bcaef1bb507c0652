"""A character model on disk: what comes back, and damage that is told in one sentence."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from strokes import characters
from strokes.characters.kinds import KINDS
from strokes.characters.model import CharacterModel, build, load_model
from strokes.files import InputError

SIZES = {
    "ssvae": {"latent": 3, "channels": 2, "hidden": 5, "class_input": "logits"},
    "cvae": {"latent": 3, "hidden": 8},
    "gan": {"latent": 3, "hidden": 8},
    "cgan": {"latent": 3, "width": 4},
    "classifier": {"width": 2, "features": 6, "dropout": 0.25},
}
CLASSES = "7AbÄ"


def made(kind: str) -> CharacterModel:
    torch.manual_seed(0)
    network = build(kind, len(CLASSES), SIZES[kind])
    images, labels = pictures(), torch.arange(4)
    if hasattr(network, "discriminator"):  # so that norms have seen something
        network.discriminator_losses(images, labels)
    else:
        network.losses(images, labels)
    return CharacterModel(network.eval(), CLASSES, {"data": "naïve", "epochs": 3})


def pictures() -> torch.Tensor:
    return torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(5))


def output(model: CharacterModel) -> torch.Tensor:
    labels = torch.arange(4)
    with torch.no_grad():
        if model.draws:
            return model.network.sample(labels, z=torch.linspace(-1, 1, 12).view(4, 3))
        return model.network(pictures())


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    """The folder of a model of each kind, by its name."""
    folder = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        made(kind).save(folder / kind)
    return folder


@pytest.fixture
def folder(saved, tmp_path) -> Path:
    """A judge to be damaged."""
    return Path(shutil.copytree(saved / "classifier", tmp_path / "the-model"))


def refused(folder: Path, names: Path | None = None) -> str:
    with pytest.raises(InputError) as caught:
        load_model(folder)
    said = str(caught.value)
    assert str(names or folder) in said and "\n" not in said and len(said) < 500
    return said


def config_of(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def change(folder: Path, **changes) -> None:
    """config.json with these values; None takes one out."""
    config = {k: v for k, v in {**config_of(folder), **changes}.items() if v is not None}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


# -- there and back -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_comes_back_as_near_as_half_precision_is(kind, saved, tmp_path):
    model = made(kind)
    again = load_model(saved / kind)
    assert (again.kind, again.classes, again.info) == (kind, CLASSES, model.info)
    assert again.sizes == model.sizes and asdict(again.sizes) == SIZES[kind]
    assert not again.network.training and not any(p.requires_grad for p in again.network.parameters())
    assert sorted(p.name for p in (saved / kind).iterdir()) == ["config.json", "model.safetensors"]
    one, other = model.network.state_dict(), again.network.state_dict()
    assert one.keys() == other.keys()
    for name, t in one.items():
        assert other[name].dtype == t.dtype, name
        assert torch.allclose(other[name], t, rtol=2**-10, atol=1e-7), name
    assert torch.allclose(output(again), output(model), atol=0.02)
    # once rounded, exact
    again.save(tmp_path / "again")
    third = load_model(tmp_path / "again").network.state_dict()
    assert all(torch.equal(t, third[name]) for name, t in other.items())
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "again" / file).read_bytes() == (saved / kind / file).read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_loses_nothing(kind, tmp_path):
    model = made(kind)
    model.save(tmp_path / "deep" / "er", "float32")
    again = load_model(tmp_path / "deep" / "er")
    state = again.network.state_dict()
    assert all(torch.equal(t, state[name]) for name, t in model.network.state_dict().items())
    assert torch.equal(output(again), output(model))


def test_a_run_stands_for_its_best_model(saved, tmp_path):
    shutil.copytree(saved / "cvae", tmp_path / "run" / "best")
    (tmp_path / "run" / "config.json").write_text('{"kind": "cvae", "epochs": 3}')
    assert load_model(tmp_path / "run").kind == "cvae"


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_model_can_is_what_its_network_has(kind):
    model = made(kind)
    assert model.draws == hasattr(model.network, "sample")
    if model.draws:
        z = torch.zeros(4, 3)
        heeds = not torch.allclose(*model.network.sample(torch.arange(2), z=z[:2]))
        assert model.on_demand == heeds
    else:
        assert not model.on_demand
    if model.classifies:
        assert model.network(pictures()).shape == (4, len(CLASSES))
    else:
        with pytest.raises((NotImplementedError, TypeError)):
            model.network(pictures())


def test_characters_become_labels_and_lower_case_upper_case_where_that_is_all_there_is():
    model = made("cvae")
    assert model.labels("bA7Ä").tolist() == [2, 1, 0, 3] and model.labels("").shape == (0,)
    assert model.labels("aäa").tolist() == [1, 3, 1] and model.labels("a").dtype == torch.int64
    # b is known as it is; B is not, and no upper case becomes lower case
    with pytest.raises(InputError, match=r"^'B\?c' cannot be drawn: this cvae knows 7AbÄ$"):
        model.labels("AB?bcB?")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "classifier"])
def test_the_spread_scales_z(kind):
    model, labels = made(kind), torch.tensor([0, 0, 1, 3])
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(2))
    for spread in (1.0, 0.5):
        drawn = model.draw(labels, torch.Generator().manual_seed(2), spread)
        assert torch.equal(drawn, model.network.sample(labels, z=spread * z))
    still = model.draw(labels, torch.Generator().manual_seed(2), 0.0)
    assert torch.allclose(still[0], still[1]) and not torch.allclose(drawn[0], drawn[1])


def test_a_character_whose_upper_case_is_two_is_neither_of_them():
    letters = CharacterModel(build("gan", 26), "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert "\ufb06".upper() == "ST"
    for c in ("\ufb06", "ß"):
        with pytest.raises(InputError, match="cannot be drawn"):
            letters.labels(c)


def test_a_place_that_cannot_be_written_to_is_told(tmp_path):
    (tmp_path / "file").touch()
    for where in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="file"):
            made("cvae").save(where)


def test_every_public_name_is_there():
    assert set(characters.__all__) == set(characters._HOME)
    for name in characters.__all__:
        assert getattr(characters, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nobody'"):
        characters.nobody  # noqa: B018


# -- damage ---------------------------------------------------------------------------------------


def test_no_model_there(tmp_path, folder):
    assert "no model there" in refused(tmp_path / "nowhere")
    assert "no model there" in refused(tmp_path)
    (tmp_path / "file").touch()
    assert "no model there" in refused(tmp_path / "file")
    (tmp_path / "alone").mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(folder / name, tmp_path / "alone")
        assert "no model there" in refused(tmp_path / "alone") and "classifier" in refused(tmp_path / "alone")
        (tmp_path / "alone" / name).unlink()


def test_a_packaged_name_wins_over_a_folder_of_that_name(saved, tmp_path, monkeypatch):
    shutil.copytree(saved / "cvae", tmp_path / "classifier")
    monkeypatch.chdir(tmp_path)
    assert load_model("classifier").kind == "classifier"
    assert load_model("./classifier").kind == "cvae"


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b'{"format": ', b"[" * 100_000])
def test_a_description_that_is_no_json(text, folder):
    (folder / "config.json").write_bytes(text)
    assert "damaged" in refused(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "strokes-character-model-9"},
        {"format": None},
        {"format": ["strokes-character-model-1"]},
        {"kind": "transformer"},
        {"kind": None},
        {"kind": 3},
        {"kind": []},
        {"kind": {}},
    ],
)
def test_a_description_of_something_else(changes, folder):
    change(folder, **changes)
    assert next(iter(changes)) in refused(folder)


@pytest.mark.parametrize("text", ["[]", "3", "null", '"strokes-character-model-1"'])
def test_a_description_that_is_no_table(text, folder):
    (folder / "config.json").write_text(text)
    assert "damaged or of another version" in refused(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": "7A7b"},
        {"classes": ""},
        {"classes": "7Ab"},
        {"classes": "7AbÄx"},
        {"classes": list("7AbÄ")},
        {"classes": 4},
        {"classes": None},
        {"classes": "".join(map(chr, range(0x4E00, 0x4E00 + 1000)))},
        {"sizes": None},
        {"sizes": []},
        {"sizes": 3},
        {"sizes": {}},
        {"kind": "cvae"},
        {"kind": "gan"},
        {"kind": "cgan"},
        {"kind": "ssvae"},
    ],
)
def test_a_description_that_does_not_fit_the_weights(changes, folder):
    change(folder, **changes)
    refused(folder)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "value", [0, -1, 1, 7, 2.5, 5000, 10**30, float("nan"), float("inf"), "4", "x", None, [], {}]
)
def test_sizes_of_another_network_or_of_none(kind, value, saved, tmp_path):
    folder = Path(shutil.copytree(saved / kind, tmp_path / "the-model"))
    for name in SIZES[kind]:
        if name in ("dropout", "class_input"):  # change no shape
            continue
        change(folder, sizes={**SIZES[kind], name: value})
        refused(folder)
    for unheard_of in ("unheard_of", "classes"):
        change(folder, sizes={**SIZES[kind], unheard_of: 4})
        assert f"no sizes named {unheard_of}" in refused(folder)
    change(folder, sizes=SIZES[kind])
    assert load_model(folder).kind == kind


@pytest.mark.parametrize("dropout", [-0.1, 1, 1.5, 4096, "x", None])
def test_a_share_that_is_none(dropout, folder):
    change(folder, sizes={**SIZES["classifier"], "dropout": dropout})
    assert "dropout" in refused(folder)


def test_a_decoder_input_that_there_is_not(saved, tmp_path):
    folder = Path(shutil.copytree(saved / "ssvae", tmp_path / "the-model"))
    change(folder, sizes={**SIZES["ssvae"], "class_input": "colour"})
    assert "class_input" in refused(folder)


@pytest.mark.parametrize("damage", ["nan", "inf", "shape", "missing", "more"])
def test_weights_that_are_no_numbers_or_another_networks(damage, folder):
    tensors = load_file(folder / "model.safetensors")
    name = "convolutions.0.weight"
    if damage in ("nan", "inf"):
        tensors[name][0, 0, 1, 1] = float(damage)
    elif damage == "shape":
        tensors[name] = tensors[name].transpose(0, 1).contiguous()
    elif damage == "missing":
        del tensors[name]
    else:
        tensors["another"] = torch.zeros(3)
    save_file(tensors, folder / "model.safetensors")
    said = refused(folder)
    assert "damaged" in said and ("another" if damage == "more" else name) in said


@pytest.mark.parametrize("content", [b"", b"hello", bytes(100), b"\xff" * 64])
def test_weights_that_are_no_weights(content, folder):
    (folder / "model.safetensors").write_bytes(content)
    assert "damaged" in refused(folder)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").mkdir()
    assert "no model there" in refused(folder)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.bool, torch.complex64])
def test_weights_of_a_type_that_models_do_not_have(dtype, folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["head.bias"] = tensors["head.bias"].to(dtype)
    save_file(tensors, folder / "model.safetensors")
    assert "head.bias" in refused(folder)


def test_sizes_of_a_network_that_would_fill_the_memory_are_refused_unbuilt(folder):
    change(folder, sizes={"width": 1024, "features": 4096})
    assert "weights" in refused(folder)


def test_weights_that_are_cut_short(folder):
    path = folder / "model.safetensors"
    content = path.read_bytes()
    for length in (1, 7, 8, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        assert "damaged" in refused(folder)


class Opens:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_is_unpickled(folder, tmp_path):
    trap = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Opens(trap))).close()  # noqa: S301
    assert trap.exists()  # it does go off
    trap.unlink()
    (folder / "model.safetensors").write_bytes(pickle.dumps(Opens(trap)))
    assert "damaged" in refused(folder)
    torch.save({"convolutions.0.weight": Opens(trap)}, folder / "model.safetensors")
    assert "damaged" in refused(folder)
    assert not trap.exists()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["config.json", "model.safetensors"]),
    cut=st.none() | st.integers(0, 2**11),
    damage=st.lists(st.tuples(st.integers(0, 2**11), st.integers(0, 255)), max_size=3),
)
def test_no_damage_is_more_than_an_error(name, cut, damage, folder, saved):
    content = bytearray((saved / "classifier" / name).read_bytes()[:cut])
    for at, value in damage:
        if content:
            content[at % len(content)] = value
    (folder / name).write_bytes(content)
    said = ""
    try:
        assert load_model(folder).kind == "classifier"
    except InputError as e:
        said = str(e)
    finally:
        shutil.copy(saved / "classifier" / name, folder / name)
    assert "\n" not in said
