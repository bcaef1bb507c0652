"""`strokes characters ...` as a person meets it: what it draws and says, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_characters import CLASSES, LEVELS, SIZES, hearing, photograph
from PIL import Image

import strokes.models as package
from strokes.characters.data import CharacterSet
from strokes.characters.image import load_image
from strokes.characters.kinds import KINDS
from strokes.characters.model import CharacterModel, build, load_model
from strokes.characters.training import default_config
from strokes.cli import main

COMMANDS = ("sample", "classify", "imitate", "latent", "evaluate", "train")


def strokes(*argv: object) -> int:
    return main(["characters", *(str(a) for a in argv)])


def one_line(err: str) -> str:
    assert (
        err.startswith("strokes: ") and err.count("\n") == 1 and err.endswith("\n") and "Traceback" not in err
    )
    return err


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def read(path: Path) -> list[str]:
    """The lines of what the untrained cvae drew; blanks are blanks."""
    grey = np.asarray(Image.open(path).convert("L")).astype(float)[42::84, 42::84]
    known = {" ": 255.0} | {c: 255 * (1 - 1 / (1 + np.exp(-v))) for c, v in zip(CLASSES, LEVELS, strict=True)}
    return ["".join(min(known, key=lambda c: abs(known[c] - g)) for g in row) for row in grey]


# -- help -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as e:
        strokes(command, "--help")
    assert e.value.code == 0
    out = capsys.readouterr().out
    assert "example" in out and f"strokes characters {command}" in out.split("example")[1]


def test_the_list_of_commands_and_models_is_shown(capsys):
    assert strokes("--help") == 0
    out = capsys.readouterr().out
    assert (
        all(f"  {name} " in out for name in (*COMMANDS, *KINDS)) and "example:\n  strokes characters" in out
    )
    assert strokes() == 2  # nothing asked for
    capsys.readouterr()
    assert main(["--help"]) == 0 and "characters" in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_help_on_training_has_the_settings_of_the_kind(kind, capsys):
    with pytest.raises(SystemExit):
        strokes("train", kind, "--help")
    out = capsys.readouterr().out
    assert (
        f"strokes characters train {kind} --data" in out
        and "--learning-rate" in out
        and "--learning_rate" not in out
    )
    assert f"default: {default_config(kind).epochs})" in out


# -- sample ---------------------------------------------------------------------------------------


def test_a_text_is_drawn_with_its_blanks_and_lines(models, tmp_path):
    out = tmp_path / "a.png"
    assert strokes("sample", "70 L\nT07L", "-o", out, "--model", models / "cvae") == 0
    assert Image.open(out).size == (4 * 84, 2 * 84) and read(out) == ["70 L", "T07L"]
    assert strokes("sample", "l0 T7", "-o", out, "--model", models / "cvae", "--columns", 3) == 0
    assert read(out) == ["L0", "T7"]
    assert files(tmp_path) == {"a.png"}


def test_a_text_is_drawn_as_often_as_asked(models, tmp_path):
    out = tmp_path / "a.png"
    assert strokes("sample", "7", "-o", out, "--model", models / "cvae", "--count", 5) == 0
    assert read(out) == ["77777"]
    assert strokes("sample", "7", "-o", out, "--model", models / "cvae", "--count", 5, "--columns", 2) == 0
    assert read(out) == ["77", "77", "7 "]
    assert strokes("sample", "7L", "-o", out, "--model", models / "cvae", "--count", 2) == 0
    assert read(out) == ["7L", "7L"]


@pytest.mark.parametrize("kind", ["ssvae", "cgan", "gan"])
def test_the_same_seed_draws_the_same_and_another_another(kind, models, tmp_path):
    drawn = []
    for i, seed in enumerate((3, 3, 4)):
        out = tmp_path / f"{i}.png"
        assert strokes("sample", "7L0", "-o", out, "--model", models / kind, "--seed", seed) == 0
        drawn.append(out.read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_sheet_has_a_column_a_class(models, tmp_path, capsys):
    out = tmp_path / "a.png"
    assert strokes("sample", "--sheet", "-o", out, "--model", models / "cvae") == 0
    assert read(out) == [CLASSES] * 8
    assert capsys.readouterr() == ("", "")


def test_a_model_that_cannot_be_asked_says_so_and_draws_as_many(models, tmp_path, capsys):
    out = tmp_path / "a.png"
    assert strokes("sample", "HEY YOU", "-o", out, "--model", models / "gan") == 0
    assert "cannot be asked" in one_line(capsys.readouterr().err)
    pixels = np.asarray(Image.open(out))
    assert pixels.shape == (84, 7 * 84)
    blank = [np.ptp(pixels[10:-10, 84 * i + 10 : 84 * i + 74]) == 0 for i in range(7)]
    assert blank == [c == " " for c in "HEY YOU"]


# -- classify -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ink", "paper", "suffix"),
    [
        ((40, 40, 60), (225, 220, 205), "png"),
        ((235, 235, 225), (30, 50, 45), "png"),
        ((150, 30, 30), (230, 230, 200), "jpg"),
    ],
)
def test_photographs_are_read_dark_on_light_and_light_on_dark(ink, paper, suffix, reader, tmp_path, capsys):
    paths = [photograph(tmp_path / f"{i}.{suffix}", c, ink, paper, i) for i, c in enumerate(CLASSES)]
    assert strokes("classify", *paths, "--model", reader) == 0
    out, err = capsys.readouterr()
    assert not err
    for path, c, line in zip(paths, CLASSES, out.splitlines(), strict=True):
        assert line.startswith(f"{path}: {c} ")
        assert float(line.removeprefix(f"{path}: {c} ").split(" %")[0]) > 60


def test_a_missing_picture_is_one_line_and_the_others_are_read(reader, photographs, tmp_path, capsys):
    missing = tmp_path / "none.png"
    assert strokes("classify", photographs[0], missing, photographs[2], "--model", reader) == 2
    out, err = capsys.readouterr()
    assert "none.png: no such file" in one_line(err)
    assert [line.rsplit(": ", 1)[1][0] for line in out.splitlines()] == ["0", "L"]


def test_a_blank_picture_and_no_picture_are_a_line_each(reader, photographs, tmp_path, capsys):
    Image.new("L", (50, 50), 200).save(tmp_path / "blank.png")
    (tmp_path / "words.txt").write_text("words")
    assert (
        strokes("classify", tmp_path / "blank.png", photographs[1], tmp_path / "words.txt", "--model", reader)
        == 2
    )
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and err.count("\n") == 2
    assert (
        all(line.startswith("strokes: ") for line in err.splitlines())
        and "blank" in err
        and "words.txt" in err
    )


def test_json_is_an_object_a_picture_with_the_likeliest(reader, photographs, capsys):
    assert strokes("classify", *photographs, "--model", reader, "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for path, c, line in zip(photographs, CLASSES, lines, strict=True):
        assert line.keys() == {"image", "character", "likeliest"}
        assert line["image"] == str(path) and line["character"] == c == next(iter(line["likeliest"]))
        shares = list(line["likeliest"].values())
        assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1, abs=1e-5)
        assert set(line["likeliest"]) == set(CLASSES)


def test_among_leaves_the_others_out(reader, photographs, capsys):
    assert strokes("classify", photographs[1], "--model", reader, "--json", "--among", "Lt") == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["likeliest"]) == {"L", "T"} and sum(found["likeliest"].values()) == pytest.approx(
        1, abs=1e-5
    )
    assert strokes("classify", photographs[1], "--model", reader, "--among", "7") == 0
    assert capsys.readouterr().out == f"{photographs[1]}: 7 100.0 %\n"


def test_a_character_named_twice_counts_once(reader, photographs, capsys):
    assert strokes("classify", photographs[1], "--model", reader, "--among", "77") == 0
    assert capsys.readouterr().out == f"{photographs[1]}: 7 100.0 %\n"


def test_what_the_model_saw_is_shown(reader, photographs, tmp_path):
    out = tmp_path / "seen.png"
    assert strokes("classify", *photographs[:2], "--model", reader, "--show", out) == 0
    picture = np.asarray(Image.open(out).resize((56, 28), Image.Resampling.BOX)).astype(float)
    wanted = 255 - np.hstack([load_image(p) for p in photographs[:2]]).astype(float)
    assert np.corrcoef(picture.ravel(), wanted.ravel())[0, 1] > 0.97


def test_a_semi_supervised_model_reads_too(models, photographs, capsys):
    assert strokes("classify", *photographs, "--model", models / "ssvae") == 0
    assert capsys.readouterr().out.count("\n") == 4


# -- imitate, latent ------------------------------------------------------------------------------


def test_an_imitation_shows_the_prompts_above_the_text(models, photographs, tmp_path):
    out = tmp_path / "a.png"
    assert (
        strokes("imitate", *photographs[:3], "--text", "L 07\nT", "-o", out, "--model", models / "ssvae") == 0
    )
    picture = Image.open(out)
    assert picture.size == (4 * 84, (28 + 6 + 2 * 28) * 3)
    above = np.asarray(picture.crop((0, 0, 3 * 84, 84)).resize((84, 28), Image.Resampling.BOX)).astype(float)
    wanted = 255 - np.hstack([load_image(p) for p in photographs[:3]]).astype(float)
    assert np.corrcoef(above.ravel(), wanted.ravel())[0, 1] > 0.97
    pixels = np.asarray(picture)
    drawn = pixels[34 * 3 :]
    assert (drawn[10:74, 84 + 10 : 84 + 74] == 255).all() and (drawn[84 + 10 :, 84 + 10 :] == 255).all()
    assert drawn[10:74, 10:74].min() < 200 and drawn[84 + 10 : -10, 10:74].min() < 200


def test_without_a_text_every_class_is_drawn(models, photographs, tmp_path):
    for name, text in (("a.png", ["--text", CLASSES]), ("b.png", [])):
        assert (
            strokes("imitate", photographs[0], *text, "-o", tmp_path / name, "--model", models / "ssvae") == 0
        )
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_variety_strays_by_its_seed(models, photographs, tmp_path):
    drawn = []
    for i, (variety, seed) in enumerate(((0, 1), (0, 2), (5, 1), (5, 1), (5, 2))):
        options = [
            "--variety",
            variety,
            "--seed",
            seed,
            "-o",
            tmp_path / f"{i}.png",
            "--model",
            models / "ssvae",
        ]
        assert strokes("imitate", *photographs[:2], "--text", "LLL", *options) == 0
        drawn.append((tmp_path / f"{i}.png").read_bytes())
    assert drawn[0] == drawn[1] and drawn[2] == drawn[3] and len(set(drawn)) == 3


@pytest.mark.parametrize("kind", ["ssvae", "cvae"])
def test_a_latent_map_is_written(kind, models, data, tmp_path):
    out = tmp_path / "map.png"
    assert strokes("latent", "-o", out, "--character", "L", "--data", data, "--model", models / kind) == 0
    assert min(Image.open(out).size) > 500 and files(tmp_path) == {"map.png"}


# -- evaluate -------------------------------------------------------------------------------------


def evaluated(capsys, *argv) -> dict:
    assert strokes("evaluate", *argv) == 0
    out = capsys.readouterr().out

    def no_json(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    assert out.count("\n") == 1
    return json.loads(out, parse_constant=no_json)


ALWAYS = {"model", "kind", "data", "split", "source", "held_out", "images"}
READS = {
    "accuracy",
    "accuracy_digits",
    "accuracy_digits_among_digits",
    "accuracy_letters",
    "accuracy_letters_among_letters",
}
JUDGED = {"n", "frechet", "frechet_floor", "precision", "recall", "real_precision", "real_recall"}


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("ssvae", READS | {"negative_elbo", "judged"}),
        ("cvae", {"negative_elbo", "judged"}),
        ("cgan", {"judged"}),
        ("gan", {"judged"}),
    ],
)
def test_what_is_said_of_each_kind(kind, keys, models, reader, data, capsys):
    found = evaluated(capsys, "--model", models / kind, "--data", data, "--judge", reader)
    assert found.keys() == ALWAYS | keys
    assert (found["kind"], found["split"], found["images"]) == (kind, "test", 48)
    assert found["judged"].keys() == JUDGED | ({"class_asked", "among_own"} if kind != "gan" else set())
    assert found["judged"]["n"] == 24 and found["judged"]["frechet"] > found["judged"]["frechet_floor"]


def test_who_reads_well_is_said_to(reader, data, capsys):
    found = evaluated(capsys, "--model", reader, "--data", data)
    assert found.keys() == ALWAYS | READS
    assert all(found[name] > 0.9 for name in READS)
    letters = evaluated(capsys, "--model", reader, "--data", data, "--split", "train", "--classes", "LT")
    assert letters["images"] == 80 and letters["split"] == "train"
    assert letters.keys() == ALWAYS | {"accuracy", "accuracy_letters", "accuracy_letters_among_letters"}
    assert letters["accuracy"] == letters["accuracy_letters"] > 0.9


def test_classes_and_images_of_each_may_be_chosen(models, reader, data, capsys):
    options = ["--model", models / "cvae", "--data", data, "--judge", reader]
    found = evaluated(capsys, *options, "--classes", "0T", "--each", 30)
    assert found["images"] == 24 and found["judged"]["n"] == 12


def test_styles_are_measured_and_told(models, reader, data, capsys):
    found = evaluated(capsys, "--model", models / "ssvae", "--data", data, "--judge", reader, "--styles", 2)[
        "styles"
    ]
    assert found["prompts"] == 2 and found["correlation"].keys() == {"width", "thickness", "slant"}
    assert list(found["kept"]) == ["narrow", "wide", "thin", "bold", "italic"]
    assert list(found["measured"]) == ["as it is", *found["kept"]]
    assert all(len(m["prompts"]) == len(m["drawn"]) == 3 for m in found["measured"].values())


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_figures_that_do_not_exist_are_json_all_the_same(models, reader, data, tmp_path, capsys):
    """What always draws the same has no correlation with anything."""
    model = load_model(models / "ssvae")
    model.network.from_latent.weight.zero_()
    model.save(tmp_path / "deaf")
    found = evaluated(capsys, "--model", tmp_path / "deaf", "--data", data, "--judge", reader, "--styles", 2)[
        "styles"
    ]
    assert found["correlation"]["width"] is None or abs(found["correlation"]["width"]) < 1e-3


def test_a_model_of_three_classes_has_styles_too(reader, data, tmp_path, capsys):
    hearing("0LT").save(tmp_path / "three")
    found = evaluated(capsys, "--model", tmp_path / "three", "--data", data, "--judge", reader, "--styles", 4)
    assert found["images"] == 36 and found["styles"]["prompts"] == 4


# -- train ----------------------------------------------------------------------------------------


def flags(kind: str) -> list[object]:
    sizes = SIZES[kind] | ({"width": 2} if kind == "classifier" else {})
    return [
        "--classes",
        CLASSES,
        "--epochs",
        1,
        "--batch",
        40,
        "--threads",
        1,
        "--device",
        "cpu",
        *(a for name, size in sizes.items() for a in (f"--sizes.{name}", size)),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_holds_a_model_its_samples_and_its_curves_and_may_be_resumed(kind, data, tmp_path, capsys):
    run = tmp_path / "run"
    train = ["train", kind, "--data", data, "-o", run]
    assert strokes(*train, *flags(kind)) == 0
    assert "trained after 1 epochs, step 4" in capsys.readouterr().err
    found = files(run)
    assert {
        "config.json",
        "metrics.jsonl",
        "curves.png",
        "best/config.json",
        "best/model.safetensors",
    } <= found
    assert any(name.startswith("checkpoint-00000004/") for name in found)
    assert ("samples-0001.png" in found) is (kind != "classifier")
    assert not [name for name in found if "tmp" in name]
    assert load_model(run).classes == CLASSES and load_model(run).kind == kind
    rows = (run / "metrics.jsonl").read_text()
    best = (run / "best" / "model.safetensors").read_bytes()
    # It is finished: to resume changes nothing.
    assert strokes(*train, "--resume", "--threads", 1) == 0
    assert "trained after 1 epochs, step 4" in capsys.readouterr().err
    assert (run / "metrics.jsonl").read_text() == rows and (
        run / "best" / "model.safetensors"
    ).read_bytes() == best
    # With its own settings, but for those that are given.
    assert strokes(*train, "--resume", "--threads", 1, "--epochs", 2) == 0
    assert "trained after 2 epochs, step 8" in capsys.readouterr().err
    config = json.loads((run / "config.json").read_text())
    assert config["batch"] == 40 and config["epochs"] == 2 and config["kind"] == kind
    if kind != "classifier":
        assert strokes("sample", "70", "-o", tmp_path / "a.png", "--model", run) == 0


def test_settings_come_from_a_file_and_options_override_them(data, tmp_path):
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "epochs: 3\nbatch: 80\nlearning_rate: 5e-4\nclasses: LT\nsizes: {width: 2, features: 4}\n"
        "distortion:\n  rotate: 0.25\n"
    )
    run = tmp_path / "run"
    options = [
        "--config",
        settings,
        "--epochs",
        1,
        "--distortion.shift",
        0.5,
        "--threads",
        1,
        "--device",
        "cpu",
    ]
    assert strokes("train", "classifier", "--data", data, "-o", run, *options) == 0
    config = json.loads((run / "config.json").read_text())
    assert (config["epochs"], config["batch"], config["learning_rate"], config["classes"]) == (
        1,
        80,
        5e-4,
        "LT",
    )
    assert config["sizes"] == {"width": 2, "features": 4, "dropout": 0.3}
    assert (config["distortion"]["rotate"], config["distortion"]["shift"]) == (0.25, 0.5)
    assert config["distortion"]["weight"] == default_config("classifier").distortion.weight
    assert load_model(run).classes == "LT"


def test_dashes_and_underscores_are_the_same_option(data, tmp_path):
    run = tmp_path / "run"
    options = [
        *flags("ssvae"),
        "--learning-rate=0.5e-3",
        "--class_weight",
        7,
        "--sizes.class-input",
        "logits",
    ]
    assert strokes("train", "ssvae", "--data", data, "-o", run, *options) == 0
    config = json.loads((run / "config.json").read_text())
    assert (config["learning_rate"], config["class_weight"]) == (5e-4, 7) and config["sizes"][
        "class_input"
    ] == "logits"


def test_a_folder_named_like_a_kind_does_not_choose_the_settings(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert strokes("train", "--data", data, "-o", "cvae", "classifier", *flags("classifier")) == 0
    config = json.loads((tmp_path / "cvae" / "config.json").read_text())
    assert config["kind"] == "classifier" and config["balance"] == default_config("classifier").balance
    assert config["distortion"]["rotate"] == default_config("classifier").distortion.rotate


# -- errors ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def others(data, tmp_path_factory):
    """A set of other characters, and one run of a finished training."""
    folder = tmp_path_factory.mktemp("others")
    characters = CharacterSet.load(data)
    fields = {name: getattr(characters, name) for name in CharacterSet.__dataclass_fields__}
    CharacterSet(**{**fields, "classes": "WXYZ"}).save(folder / "wxyz.npz")
    assert strokes("train", "gan", "--data", data, "-o", folder / "run", *flags("gan")) == 0
    torch.manual_seed(0)
    CharacterModel(build("classifier", 2, SIZES["classifier"]), "07").save(folder / "digits")
    return folder


ERRORS = [
    ("draw", "draw"),
    ("sample LÉÉ -o {o}/a.png --model {m}/cgan", "'É' cannot be drawn"),
    ("sample -o {o}/a.png --model {m}/cgan", "--sheet"),
    ("sample L --sheet -o {o}/a.png --model {m}/cgan", "--sheet"),
    ("sample L -o {o}/a.xyz --model {m}/cgan", ".xyz"),
    ("sample L -o {o}/none/a.png --model {m}/cgan", "none"),
    ("sample L -o {o} --model {m}/cgan", "folder"),
    ("sample L", "-o"),
    ("sample L -o {o}/a.png --count 0 --model {m}/cgan", "--count"),
    ("sample L -o {o}/a.png --columns 0 --model {m}/cgan", "--columns"),
    ("sample L -o {o}/a.png --seed -1 --model {m}/cgan", "--seed"),
    ("sample L -o {o}/a.png --seed x --model {m}/cgan", "--seed"),
    ("sample L -o {o}/a.png --model {o}/nowhere", "nowhere"),
    ("sample L -o {o}/a.png --model {m}/classifier", "draws nothing"),
    ("sample L --count 800 --columns 1 -o {o}/a.webp --model {m}/cvae", "a.webp"),
    ("classify", "IMAGE"),
    ("classify {p} --model {m}/cgan", "cannot read"),
    ("classify {p} --model {m}/classifier --among É", "É"),
    ("classify {p} --model {m}/classifier --show {o}/none/a.png", "none"),
    ("classify {p} --model {o}/nowhere", "nowhere"),
    ("classify {p}.gone --model {m}/classifier --show {o}/a.png", "no such file"),
    ("imitate {p} --text L -o {o}/a.png --model {m}/cvae", "cannot imitate"),
    ("imitate {p} --text É -o {o}/a.png --model {m}/ssvae", "É"),
    ("imitate {p} --text= -o {o}/a.png --model {m}/ssvae", "no character to draw"),
    ("imitate {p} {p}.gone --text L -o {o}/a.png --model {m}/ssvae", "no such file"),
    ("imitate --text L -o {o}/a.png --model {m}/ssvae", "IMAGE"),
    ("imitate {p} --text L -o {o}/a.xyz --model {m}/ssvae", ".xyz"),
    ("imitate {p} --text L -o {o}/a.png --variety -1 --model {m}/ssvae", "--variety"),
    ("imitate {p} --text L -o {o}/a.png --variety nan --model {m}/ssvae", "--variety"),
    ("imitate {p} --text L -o {o}/a.png --seed -1 --model {m}/ssvae", "--seed"),
    ("imitate {p} --text L -o {o}/a.png --columns 0 --model {m}/ssvae", "--columns"),
    ("latent -o {o}/a.png --model {m}/gan", "no posterior"),
    ("latent -o {o}/a.png --character LT --model {m}/cvae", "--character"),
    ("latent -o {o}/a.png --character É --model {m}/cvae", "É"),
    ("latent -o {o}/a.xyz --data {d} --model {m}/cvae", "xyz"),
    ("latent -o {o}/a.png --data {o}/none.npz --model {m}/cvae", "none.npz"),
    ("latent -o {o}/a.png --data {x}/wxyz.npz --model {m}/cvae", "wxyz.npz"),
    ("evaluate --model {m}/classifier", "--data"),
    ("evaluate --model {m}/classifier --data {o}/none.npz", "none.npz"),
    ("evaluate --model {o}/nowhere --data {d}", "nowhere"),
    ("evaluate --model {m}/classifier --data {x}/wxyz.npz", "0 images"),
    ("evaluate --model {m}/classifier --data {d} --split validation", "8 images"),
    ("evaluate --model {m}/classifier --data {d} --split all", "--split"),
    ("evaluate --model {m}/classifier --data {d} --classes É", "É"),
    ("evaluate --model {m}/cvae --data {d} --judge {m}/ssvae", "no judge"),
    ("evaluate --model {m}/cvae --data {d} --judge {x}/digits", "does not know LT"),
    ("evaluate --model {m}/cvae --data {d} --judge {o}/nowhere", "nowhere"),
    ("evaluate --model {m}/cvae --data {d} --judge {m}/classifier --each -1", "--each"),
    (
        "evaluate --model {m}/cvae --data {d} --judge {m}/classifier --split train --classes L --each 1",
        "--each",
    ),
    ("evaluate --model {m}/ssvae --data {d} --judge {m}/classifier --styles -1", "--styles"),
    ("evaluate --model {m}/classifier --data {d} --styles 2", "cannot imitate"),
    ("train", "name what to train"),
    ("train vqvae --data {d} -o {o}/run", "classifier"),
    ("train gan -o {o}/run", "data"),
    ("train gan --data {d}", "output"),
    ("train gan --data {o}/none.npz -o {o}/run", "none.npz"),
    ("train gan --data {d} -o {o}/run --classes 7Q", "'Q'"),
    ("train gan --data {d} -o {o}/run --classes Digit", "give digits"),
    ("classify {p} --among letter --model {m}/classifier", "give digits"),
    ("evaluate --model {m}/classifier --data {d} --source emnist", "--source emnist"),
    ("sample L --spread -1 -o {o}/a.png --model {m}/cvae", "--spread"),
    ("evaluate --model {m}/cvae --data {d} --judge {m}/classifier --spread nan", "--spread"),
    ("sample LL --count 30000 -o {o}/a.png --model {m}/cvae", "ask for fewer"),
    ("train gan --data {d} -o {o}/run --classes L --epochs 0", "epochs"),
    ("train gan --data {d} -o {o}/run --classes L --epochs many", "epochs"),
    ("train gan --data {d} -o {o}/run --classes L --learning-rate -1", "--learning-rate"),
    ("train gan --data {d} -o {o}/run --classes L --distortion.weight 2", "weight"),
    ("train gan --data {d} -o {o}/run --classes L --momentum 2", "momentum"),
    ("train gan --data {d} -o {o}/run --classes L --sizes.depth 2", "--sizes"),
    ("train gan --data {d} -o {o}/run --classes L --sizes.hidden wide", "sizes.hidden"),
    ("train gan --data {d} -o {o}/run --classes L --threads -1", "--threads"),
    ("train gan --data {d} -o {o}/run --classes L --config {o}/none.yaml", "none.yaml"),
    ("train gan --data {d} -o {o}/run --classes L --config {x}/wxyz.npz", "cannot be read as settings"),
    ("train gan --data {d} -o {o}/run --resume", "no run to resume"),
    ("train gan --data {d} -o {x}/run", "in use"),
    ("train ssvae --data {d} -o {x}/run --resume --threads 1", "another kind"),
    ("train gan --data {d} -o {x}/run --resume --batch 7 --threads 1", "another batch"),
    ("train gan --data {d} -o {x} --resume", "config.json"),
]


@pytest.mark.parametrize(("line", "says"), ERRORS, ids=[line for line, _ in ERRORS])
def test_bad_input_is_one_clear_line_and_status_2(
    line, says, models, photographs, data, others, tmp_path, capsys
):
    places = {"o": tmp_path, "m": models, "p": photographs[2], "d": data, "x": others}
    before = {p: p.read_bytes() for p in others.rglob("*") if p.is_file()}
    capsys.readouterr()
    assert strokes(*(word.format(**places) for word in line.split())) == 2
    out, err = capsys.readouterr()
    assert says in one_line(err) and not out
    assert not files(tmp_path)
    assert {p: p.read_bytes() for p in others.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    "settings",
    [
        "epochs: [1\n",
        "epochs: many\n",
        "momentum: 3\n",
        "- 1\n",
        "distortion: {tilt: 1}\n",
        "balance: 2\n",
        "\0",
    ],
)
def test_a_file_of_bad_settings_is_one_line(settings, data, tmp_path, capsys):
    (tmp_path / "s.yaml").write_text(settings)
    assert (
        strokes("train", "cgan", "--data", data, "-o", tmp_path / "run", "--config", tmp_path / "s.yaml") == 2
    )
    one_line(capsys.readouterr().err)
    assert files(tmp_path) == {"s.yaml"}


@pytest.mark.parametrize("text", ["", "  ", "\n \n"])
def test_a_text_without_characters_is_told(text, models, tmp_path, capsys):
    assert strokes("sample", text, "-o", tmp_path / "a.png", "--model", models / "cvae") == 2
    assert "no character to draw" in one_line(capsys.readouterr().err)
    assert not files(tmp_path)


def test_a_damaged_model_is_one_line(models, tmp_path, capsys):
    folder = tmp_path / "damaged"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_bytes((models / "cvae" / name).read_bytes()[:-9])
    assert strokes("sample", "L", "-o", tmp_path / "a.png", "--model", folder) == 2
    assert "damaged" in one_line(capsys.readouterr().err)
    assert not (tmp_path / "a.png").exists()


# -- the packaged models --------------------------------------------------------------------------

FOLDER = Path(package.__file__).parent / "characters"


def packaged(*kinds: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not all((FOLDER / k).is_dir() for k in kinds), reason="not packaged yet")


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=packaged(kind)) for kind in KINDS])
def test_a_packaged_model_is_small_and_has_a_card(kind):
    model = load_model(kind)
    assert model.kind == kind and len(model.classes) >= 10
    assert (FOLDER / kind / "model.safetensors").stat().st_size <= 3 * 2**20
    assert (FOLDER / kind / "README.md").read_text(encoding="utf-8").startswith("# ")


@packaged("cgan")
def test_hello_is_drawn_out_of_the_box(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert strokes("sample", "HELLO", "-o", "hello.png") == 0
    pixels = np.asarray(Image.open("hello.png"))
    assert pixels.shape == (84, 5 * 84)
    for i in range(5):
        ink = (pixels[:, 84 * i : 84 * (i + 1)] < 128).mean()
        assert 0.03 < ink < 0.5


@packaged("classifier")
def test_pictures_are_read_out_of_the_box(photographs, capsys):
    assert strokes("classify", *photographs[1:], "--json") == 0
    found = [json.loads(line)["character"] for line in capsys.readouterr().out.splitlines()]
    assert found == list(CLASSES[1:])
    assert strokes("classify", photographs[0], "--among", "digits") == 0
    assert capsys.readouterr().out.startswith(f"{photographs[0]}: 0 ")


@packaged("ssvae")
def test_styles_are_imitated_out_of_the_box(photographs, tmp_path):
    assert strokes("imitate", *photographs, "--text", "ABC 123", "-o", tmp_path / "mine.png") == 0
    pixels = np.asarray(Image.open(tmp_path / "mine.png"))
    assert pixels.shape == ((28 + 6 + 28) * 3, 7 * 84)
    for i, c in enumerate("ABC 123"):
        ink = (pixels[34 * 3 :, 84 * i : 84 * (i + 1)] < 128).mean()
        assert (ink == 0) if c == " " else (0.03 < ink < 0.5)
