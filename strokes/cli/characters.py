"""strokes characters: 28x28 characters, drawn, read and imitated."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ..files import InputError, check_output
from .parser import Parser

__all__ = ["run"]

#: What draws when nobody says what.
_DRAWS, _JUDGE, _IMITATES = "cgan", "classifier", "ssvae"
# Characters in one picture.
_MOST = 50_000


def run(argv: Sequence[str]) -> int:
    """Run one of the commands; returns the exit status."""
    commands = {
        "sample": (_sample, "draw characters"),
        "classify": (_classify, "say which character a picture shows"),
        "imitate": (_imitate, "draw any character in the style of a few"),
        "latent": (_latent, "a map of a model's latent space"),
        "evaluate": (_evaluate, "how well a model draws or reads, as JSON"),
        "train": (_train, "train a model on what 'strokes prepare characters' made"),
    }
    if argv[:1] in (["-h"], ["--help"], []):
        from ..characters.kinds import KINDS

        print(
            "usage: strokes characters COMMAND ...\n\nPictures of single characters, 28x28, apart from the pen's model.\n"
        )
        print("commands:\n" + "\n".join(f"  {name:<9} {what}" for name, (_, what) in commands.items()))
        print("\nmodels, packaged (name one with --model) or of your own (name its folder):")
        print("\n".join(f"  {name:<10} {kind.description}" for name, kind in KINDS.items()))
        print("\nexample:\n  strokes characters sample HELLO -o hello.png\n")
        print("'strokes characters COMMAND --help' explains a command and gives an example.")
        return 0 if argv else 2
    if argv[0] not in commands:
        raise InputError(
            f"there is no command {argv[0]!r}; there are {', '.join(commands)} (see 'strokes characters --help')"
        )
    return commands[argv[0]][0](argv[1:])


def _model_option(parser: Parser, default: str, what: str) -> None:
    parser.add_argument(
        "--model", default=default, metavar="M", help=f"{what}: packaged, or a folder (default: {default})"
    )


def _sample(argv: Sequence[str]) -> int:
    parser = Parser(
        "characters sample",
        "Draw characters into a picture, black on white.",
        "strokes characters sample 'HELLO 42' -o hello.png\n"
        "  strokes characters sample A --count 40 -o forty-As.png\n"
        "  strokes characters sample --sheet -o every-class.png --model ssvae",
    )
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", help="what to draw; blanks and line breaks are kept"
    )
    parser.add_argument("-o", "--output", metavar="OUT.png", required=True)
    parser.add_argument(
        "--count", type=int, default=1, metavar="N", help="how often the text is drawn (default: 1)"
    )
    parser.add_argument("--sheet", action="store_true", help="every class the model knows, eight times")
    parser.add_argument(
        "--columns", type=int, default=24, metavar="N", help="most characters a line (default: 24)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="another seed, other characters (default: 0)"
    )
    parser.add_argument(
        "--spread",
        type=float,
        default=1.0,
        metavar="S",
        help="below 1 characters are more alike and more legible, above 1 stranger (default: 1)",
    )
    _model_option(parser, _DRAWS, "cgan, ssvae, cvae or gan")
    args = parser.parse_args(argv)
    if (args.text is None) != args.sheet:
        raise InputError("give a text to draw, or --sheet for every class")
    if args.count < 1 or args.columns < 1 or args.seed < 0 or not 0 <= args.spread <= 10:
        raise InputError("--count and --columns must be at least 1, --seed at least 0 and --spread 0 to 10")
    check_output(args.output)
    import torch

    from ..characters.arrays import batches
    from ..characters.figures import model_sheet, save_picture, sheet, typeset

    if args.text and len(args.text) * args.count > _MOST:
        raise InputError(
            f"--count {args.count}: that is more than {_MOST:,} characters in one picture; ask for fewer"
        )
    model = _load(args.model)
    if not model.draws:
        raise InputError(
            f"--model {args.model}: a {model.kind} draws nothing; name one that does (ssvae, cvae, cgan, gan)"
        )
    if args.sheet:
        save_picture(model_sheet(model, seed=args.seed), args.output)
        return 0
    generator = torch.Generator().manual_seed(args.seed)

    def draw(characters: str) -> torch.Tensor:
        labels = (
            model.labels(characters) if model.on_demand else torch.zeros(len(characters), dtype=torch.int64)
        )
        return torch.cat([model.draw(labels[rows], generator, args.spread) for rows in batches(len(labels))])

    if not model.on_demand:
        print(
            f"strokes: a {model.kind} cannot be asked for a character: it draws as many as the text has",
            file=sys.stderr,
        )
    if len(args.text.strip()) == 1 and args.count > 1:
        drawn = draw(args.text.strip() * args.count)
        save_picture(sheet(drawn, min(args.columns, args.count)), args.output)
        return 0
    save_picture(typeset("\n".join([args.text] * args.count), draw, args.columns), args.output)
    return 0


def _classify(argv: Sequence[str]) -> int:
    parser = Parser(
        "characters classify",
        "Say which character each picture shows: a photograph, scan or drawing of one character, of any size,\n"
        "dark on light or light on dark. One line a picture: its name, the character, how sure.",
        "strokes characters classify a.png photo.jpg",
    )
    parser.add_argument("images", metavar="IMAGE", nargs="+")
    parser.add_argument(
        "--among", metavar="CHARACTERS", help="digits, letters, or the characters it can be (default: any)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, with the five likeliest")
    parser.add_argument("--show", metavar="OUT.png", help="a picture of what the model saw of each")
    _model_option(parser, _JUDGE, "classifier or ssvae")
    args = parser.parse_args(argv)
    if args.show:
        check_output(args.show)
    import torch

    from ..characters.arrays import as_tensor
    from ..characters.data import resolve_classes
    from ..characters.figures import save_picture, sheet
    from ..characters.image import load_image

    model = _load(args.model)
    if not model.classifies:
        raise InputError(f"--model {args.model}: a {model.kind} cannot read; name a classifier or ssvae")
    among = torch.arange(len(model.classes))
    if args.among:
        among = model.labels(resolve_classes(args.among, "--among")).unique()
    seen, failed = [], 0
    for path in args.images:
        try:
            image = load_image(path)
        except InputError as e:
            print(f"strokes: {e}", file=sys.stderr)
            failed += 1
            continue
        seen.append(image)
        with torch.no_grad():
            logits = model.network(as_tensor(image[None]))[0, among]
        shares, order = torch.softmax(logits, 0).sort(descending=True)
        ranked = [
            (model.classes[int(among[i])], float(p)) for p, i in zip(shares[:5], order[:5], strict=False)
        ]
        if args.json:
            print(
                json.dumps({"image": str(path), "character": ranked[0][0], "likeliest": dict(ranked)}),
                flush=True,
            )
        else:
            others = ", ".join(f"{c} {100 * p:.1f} %" for c, p in ranked[1:3] if p >= 0.005)
            print(
                f"{path}: {ranked[0][0]} {100 * ranked[0][1]:.1f} %" + (f" (or {others})" if others else ""),
                flush=True,
            )
    if args.show and seen:
        import numpy as np

        save_picture(sheet(np.stack(seen), min(10, len(seen))), args.show, 6)
    return 2 if failed else 0


def _imitate(argv: Sequence[str]) -> int:
    parser = Parser(
        "characters imitate",
        "Draw any character in the style of a few: pictures of single characters, as 'classify' takes them.\n"
        "Width, slant and weight of the pen carry over best; three or more pictures are better than one.",
        "strokes characters imitate a.png b.png 7.png --text 'ABC 123' -o mine.png",
    )
    parser.add_argument("images", metavar="IMAGE", nargs="+")
    parser.add_argument("--text", metavar="TEXT", help="what to draw (default: every class)")
    parser.add_argument("-o", "--output", metavar="OUT.png", required=True)
    parser.add_argument(
        "--variety",
        type=float,
        default=0.0,
        metavar="V",
        help="how far characters stray from each other, in deviations (default: 0)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the straying (default: 0)")
    parser.add_argument(
        "--columns", type=int, default=24, metavar="N", help="most characters a line (default: 24)"
    )
    _model_option(parser, _IMITATES, "an ssvae")
    args = parser.parse_args(argv)
    if args.columns < 1 or args.seed < 0 or not 0 <= args.variety <= 10:
        raise InputError("--columns must be at least 1, --seed at least 0 and --variety 0 to 10")
    check_output(args.output)
    import numpy as np

    from ..characters.figures import save_picture, sheet, typeset
    from ..characters.image import load_image
    from ..characters.imitation import imitate

    model = _load(args.model)
    prompts = np.stack([load_image(path) for path in args.images])
    text = args.text if args.text is not None else model.classes
    drawn = typeset(text, lambda c: imitate(model, prompts, c, args.variety, args.seed), args.columns)
    above = sheet(prompts, min(len(prompts), max(1, drawn.shape[1] // 28)))
    width = max(above.shape[1], drawn.shape[1])
    line = np.full((6, width), 255, np.uint8)
    line[3] = 160
    parts = [np.pad(p, ((0, 0), (0, width - p.shape[1])), constant_values=255) for p in (above, drawn)]
    save_picture(np.vstack([parts[0], line, parts[1]]), args.output)
    return 0


def _latent(argv: Sequence[str]) -> int:
    parser = Parser(
        "characters latent",
        "A picture of a variational autoencoder's latent space: where characters lie on its two widest\n"
        "directions, a map of one character over them, and what each of the widest directions does.",
        "strokes characters latent -o map.png --character A",
    )
    parser.add_argument("-o", "--output", metavar="OUT.png", required=True)
    parser.add_argument("--character", default="", metavar="C", help="the map's (default: the first class)")
    parser.add_argument(
        "--data",
        metavar="FILE.npz",
        help="what 'strokes prepare characters' made, to place its test images "
        "(default: images that the model draws itself)",
    )
    _model_option(parser, _IMITATES, "ssvae or cvae")
    args = parser.parse_args(argv)
    check_output(args.output)
    from ..characters.latent import latent_map

    model = _load(args.model)
    if len(args.character) > 1:
        raise InputError("--character takes one character")
    images, labels, _ = _split(args.data, model, "test") if args.data else (None, None, None)
    if images is not None and len(images) < 3:
        raise InputError(
            f"{args.data}: it has {len(images)} test images of this model's classes; a map needs at least 3"
        )
    latent_map(model, args.output, character=args.character, images=images, labels=labels)
    return 0


def _evaluate(argv: Sequence[str]) -> int:
    parser = Parser(
        "characters evaluate",
        "How well a model reads and draws: one JSON object on standard output. Accuracy, the negative bound on\n"
        "log p(x | y) in nats, and what the judge says of drawn images: the share of the class asked for, the\n"
        "Frechet distance in the judge's features with the floor of real against real, precision and recall.",
        "strokes characters evaluate --model cgan --data characters.npz",
    )
    _model_option(parser, _JUDGE, "the model")
    parser.add_argument(
        "--data", required=True, metavar="FILE.npz", help="made by 'strokes prepare characters'"
    )
    parser.add_argument(
        "--split", default="test", choices=("train", "validation", "test"), help="default test"
    )
    parser.add_argument(
        "--source", metavar="NAME", help="the images of one data set only, as mnist (default: all)"
    )
    parser.add_argument(
        "--judge", default=_JUDGE, metavar="M", help="a classifier (default: the packaged one)"
    )
    parser.add_argument(
        "--classes",
        metavar="C",
        help="digits, letters, or the characters to look at (default: all of the model)",
    )
    parser.add_argument(
        "--each", type=int, default=0, metavar="N", help="images drawn a class (default: as many as are real)"
    )
    parser.add_argument(
        "--spread", type=float, default=1.0, metavar="S", help="deviation of z in drawing (default: 1)"
    )
    parser.add_argument(
        "--styles", type=int, default=0, metavar="N", help="also measure imitation, over N prompts"
    )
    args = parser.parse_args(argv)
    import numpy as np

    from ..characters import evaluation
    from ..characters.data import CLASSES, resolve_classes
    from ..characters.imitation import MEASURES, STYLES, style_report
    from ..characters.kinds.classifier import Classifier
    from ..characters.kinds.variational import VariationalNetwork

    if args.each < 0 or args.styles < 0 or not 0 <= args.spread <= 10:
        raise InputError("--each and --styles must be at least 0, and --spread 0 to 10")
    model = _load(args.model)
    images, labels, held_out = _split(args.data, model, args.split, args.source)
    if args.classes:
        wanted = model.labels(resolve_classes(args.classes, "--classes")).numpy()
        images, labels = images[np.isin(labels, wanted)], labels[np.isin(labels, wanted)]
    if len(images) < 20:
        raise InputError(
            f"{args.data}: it has {len(images)} images of these classes in the split {args.split}; 20 are needed"
        )
    result: dict = {
        "model": str(args.model),
        "kind": model.kind,
        "data": str(args.data),
        "split": args.split,
        "source": args.source,
        "held_out": held_out,
        "images": len(images),
    }
    from tqdm import tqdm

    def bar(what: str, total: int) -> tqdm:
        return tqdm(desc=what, total=total, unit="", leave=False, disable=not sys.stderr.isatty())

    if model.classifies:
        with bar("reading", len(images)) as done:
            result["accuracy"] = evaluation.accuracy(model.network, images, labels, tick=done.update)
        for name in ("digits", "letters"):
            characters = CLASSES[name]
            own = np.array([i for i, c in enumerate(model.classes) if c in characters])
            rows = np.isin(labels, own)
            if rows.any():
                result[f"accuracy_{name}"] = evaluation.accuracy(model.network, images[rows], labels[rows])
                result[f"accuracy_{name}_among_{name}"] = evaluation.accuracy(
                    model.network, images[rows], labels[rows], own
                )
    if isinstance(model.network, VariationalNetwork):
        result["negative_elbo"] = evaluation.negative_elbo(model, images, labels)
    if model.draws:
        judge = _load(args.judge)
        if not isinstance(judge.network, Classifier):
            raise InputError(f"--judge {args.judge}: a {judge.kind} is no judge; name a classifier")
        unknown = [c for c in model.classes if c not in judge.classes]
        if unknown:
            raise InputError(f"--judge {args.judge}: it does not know {''.join(unknown)}; name one that does")
        classes = "".join(model.classes[i] for i in np.unique(labels))
        of_judge = np.array([judge.classes.index(c) for c in model.classes])[labels]
        each = args.each or int(np.bincount(labels).max())
        if (
            each * len(classes) < 20
            or int(np.bincount(labels)[np.unique(labels)].min()) // 2 * len(classes) < 4
        ):
            raise InputError(
                f"--each {args.each}: that is {each * len(classes)} images, beside "
                f"{len(images)} real ones; more are needed to compare"
            )
        with bar("drawing", each * len(classes)) as done:
            drawn = evaluation.draw_evenly(model, classes, each, tick=done.update, spread=args.spread)
        try:
            result["judged"] = evaluation.compare(judge, images, of_judge, drawn, model)
        except ValueError as e:
            raise InputError(f"{args.data}: {e}; choose other --classes") from None
    if args.styles:
        with bar("imitating", args.styles * len(STYLES)) as done:
            report = style_report(model, images, labels, prompts=args.styles, tick=done.update)
        result["styles"] = {
            "prompts": report.count,
            "correlation": dict(zip(MEASURES, _numbers(report.correlation), strict=True)),
            "kept": dict(zip(report.styles[1:], report.kept.tolist(), strict=True)),
            "measured": {
                n: {"prompts": _numbers(p), "drawn": _numbers(d)}
                for n, p, d in zip(report.styles, report.prompts, report.drawn, strict=True)
            },
        }
        print(report.table(), file=sys.stderr)
    print(json.dumps(result))
    return 0


_TRAIN = """\
Train a model of characters on what 'strokes prepare characters' made.

KIND is one of
{kinds}

RUN receives best/ (the model with the best validation: give RUN to --model), metrics.jsonl and curves.png, a sheet of
samples at every validation, and checkpoints. Ctrl-C stops after the current batch and keeps everything; --resume
goes on as if it had never stopped. The defaults below are those of {kind}.

examples:
  strokes prepare characters mnist letters.csv -o characters.npz
  strokes characters train {kind} --data characters.npz -o runs/{kind}
  strokes characters train {kind} --data characters.npz -o runs/{kind} --resume
"""


def _train(argv: Sequence[str]) -> int:
    from ..characters.kinds import KINDS

    # The defaults shown and taken are its own, so it must be known before the rest is read.
    values = {
        i + 1
        for i, a in enumerate(argv)
        if a.startswith("-") and "=" not in a and a not in ("--resume", "-h", "--help")
    }
    kind = next((a for i, a in enumerate(argv) if a in KINDS and i not in values), None)
    if kind is None and not {"-h", "--help"} & set(argv):
        raise InputError(f"name what to train: {', '.join(KINDS)} (see 'strokes characters train --help')")
    from dataclasses import asdict

    from ..characters.training import config_of_run, default_config
    from .settings import SettingsParser, dashes, flatten

    kinds = "\n".join(f"  {name:<10}  {kind.description}" for name, kind in KINDS.items())
    parser = SettingsParser("characters train", _TRAIN.format(kinds=kinds, kind=kind or "ssvae"))
    parser.add_argument("kind", metavar="KIND", choices=tuple(KINDS), help="see above")
    parser.add_argument(
        "--data", required=True, metavar="FILE.npz", help="made by 'strokes prepare characters'"
    )
    parser.add_argument("-o", "--output", required=True, metavar="RUN", help="the folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN")
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: a GPU if there is one"
    )
    parser.add_argument("--threads", type=int, default=0, help="0: one a core")
    parser.add_argument("--config", action="config", metavar="FILE", help="a YAML file of settings")
    settings = type(default_config(kind or "ssvae"))
    parser.add_class_arguments(settings)
    parser.set_defaults(flatten(asdict(default_config(kind or "ssvae"))))
    argv = dashes(argv)
    args = parser.parse_args(argv)
    out = Path(args.output)
    if args.resume and out.is_dir():
        parser.set_defaults(flatten(asdict(config_of_run(kind, out))))
        args = parser.parse_args(argv)
    config = parser.settings(args, settings)
    if args.threads < 0:
        raise InputError(f"--threads is {args.threads}; give 0 or more")

    import torch

    from ..characters.data import CharacterSet
    from ..characters.figures import curves, model_sheet, save_picture
    from ..characters.training import train
    from ..runs.hardware import cores
    from ..runs.legacy import fresh_run

    if args.device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: there is no GPU that PyTorch can use; leave it out")
    device = "cuda" if args.device != "cpu" and torch.cuda.is_available() else "cpu"
    torch.set_num_threads(args.threads or cores())
    characters = CharacterSet.load(args.data)
    fresh_run(out, args.resume)

    def draw(model, path: Path) -> None:
        if model.draws:
            save_picture(model_sheet(model), path, 2)
        if (out / "metrics.jsonl").stat().st_size:
            curves(out, out / "curves.png")

    result = train(args.kind, characters, out, config, resume=args.resume, device=device, draw=draw)
    print(
        f"{'trained' if result['finished'] else 'stopped'} after {result['epoch']} epochs, step {result['step']}, "
        f"{result['seconds'] / 60:.1f} min"
        + (
            ""
            if result["finished"]
            else f"; go on with: strokes characters train {args.kind} --data {args.data} -o {out} --resume"
        ),
        file=sys.stderr,
    )
    return 0


def _numbers(values) -> list[float | None]:
    """For JSON, which has no NaN."""
    return [v if v == v else None for v in values.tolist()]


def _load(where: str):
    from ..characters.model import load_model

    return load_model(where)


def _split(path: str, model, split: str, source: str | None = None):
    """Images and the model's labels of the classes that it knows, and whether it was trained without them.

    That is known (true) of the test images of the very set that the model was trained on, and of its training
    images (false); of other sets it is not (None).
    """
    import numpy as np

    from ..characters.data import SPLITS, CharacterSet

    characters = CharacterSet.load(path)
    rows = characters.splits == SPLITS.index(split)
    if source is not None:
        if source not in characters.sources:
            raise InputError(f"--source {source}: {path} has {', '.join(characters.sources)}")
        rows &= characters.origins == characters.sources.index(source)
    table = np.array([model.classes.find(c) for c in characters.classes])
    labels = table[characters.labels]
    rows &= labels >= 0
    data = model.info.get("data") or {}
    same = data.get("options") == dict(characters.options) and data.get("sources") == list(characters.sources)
    held_out = None if not same else split == "test"
    if held_out is False:
        print(
            f"strokes: the split {split} is not held out: the model was trained or chosen with it",
            file=sys.stderr,
        )
    return characters.images[rows], labels[rows], held_out
