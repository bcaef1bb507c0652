"""strokes train: a corpus in, a run with its best model out."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from ..documents import check_fields
from ..files import InputError
from ..training.config import TrainingConfig
from .config_files import settings_of_run
from .console import note, say
from .parser import Parser

if TYPE_CHECKING:
    from ..model import Model
    from ..runs.processes import Place
    from ..training.loop import TrainingResult
    from ..training.styles import LineStyles

__all__ = ["make_parser", "run"]

_DESCRIPTION = """\
Train the network on a corpus that 'strokes prepare' made.

RUN receives best/ (the model with the best validation: give it to 'strokes write --model RUN'),
metrics.jsonl and curves.png, a sheet of samples at every validation, and checkpoints. Ctrl-C stops
after the current batch and keeps everything; --resume goes on as if it had never stopped. Settings
given together with --resume replace those that the run began with.

On a CPU the cores share the work as processes, by themselves. On several GPUs or machines torchrun
starts the processes:
  torchrun --nproc-per-node 8 -m strokes train CORPUS.npz -o RUN"""


@dataclass(frozen=True)
class Hardware:
    """What a run works on.

    Args:
        device: auto is a GPU if there is one.
        threads: of each process; 0 is as many as there are cores for.
        processes: processes that share each batch on a CPU; 0 is one a core, while each has 16 lines of a
            batch.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: Annotated[int, Meta(ge=0, le=4096)] = 0
    processes: Annotated[int, Meta(ge=0, le=4096)] = 0

    def __post_init__(self) -> None:
        check_fields(self)


def make_parser() -> Parser:
    """The options of the command."""
    parser = Parser(
        "train",
        _DESCRIPTION,
        "strokes train corpus.npz -o runs/first --epochs 12",
        "strokes train corpus.npz -o runs/second --start default --learning-rate 5e-4 --regularise-after 0",
        "strokes train a.npz b.npz --weights 1,2.5 -o runs/both",
        "strokes train half.npz -o runs/half --epochs 5 --regularise-after 3 --chunk 100 "
        "--network.kappa-bias -2.5",
    )
    parser.add_argument(
        "corpora",
        nargs="+",
        metavar="CORPUS.npz",
        help="made by 'strokes prepare'; several must have been prepared alike",
    )
    parser.add_argument("-o", "--output", required=True, metavar="RUN", help="the folder of the run")
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN")
    parser.add_argument(
        "--start",
        metavar="MODEL",
        help="begin with the weights of this model, a folder or a packaged one, instead of "
        "random ones; its sizes, alphabet and statistics hold",
    )
    parser.add_argument(
        "--styles",
        metavar="FILE.npz",
        help="vectors of the lines, made by scripts/embed_lines.py: the network learns to write in a vector's style",
    )
    parser.add_options(Hardware(threads=_threads_asked_for()))
    parser.add_config()
    parser.add_options(TrainingConfig(), title="settings")
    return parser


@dataclass(frozen=True)
class _Job:
    """What every process of a run is given."""

    corpora: list[str]
    out: Path
    config: TrainingConfig
    resume: bool
    start: Model | None
    device: str
    styles: LineStyles | None = None


def run(argv: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    args = make_parser().parse(argv)
    if args.start is not None and args.resume:
        args.refuse("--start begins a run and --resume goes on with one; leave one of them out")
    out = Path(args.output)
    hardware = args.make(Hardware)
    # What the run began with, then what this call says.
    began = settings_of_run(out / "config.json", TrainingConfig()) if args.resume and out.is_dir() else None
    config = args.make(TrainingConfig, began)
    if config.batch < hardware.processes:
        raise InputError(f"--processes {hardware.processes} is more than the {config.batch} lines of a batch")
    start = None
    if args.start is not None:
        from ..model import load_model

        start = load_model(args.start)
        config = replace(config, network=start.network)

    styles = None
    if args.styles is not None:
        from ..training.styles import LineStyles

        styles = LineStyles.load(args.styles)
        config = replace(config, network=replace(config.network, style=styles.size))
    elif config.network.style:
        raise InputError(
            f"--network.style is {config.network.style}, which needs vectors of the lines; give them with --styles"
        )

    from ..corpus import Corpus
    from ..runs import processes
    from ..runs.folder import check_folder

    job = _Job(args.corpora, out, config, args.resume, start, hardware.device, styles)
    count, threads = _share(hardware, config.batch)
    if count == 1:
        import torch

        if threads:
            torch.set_num_threads(threads)
        return _train(None, job)
    # What is wrong with these is better said before there are several who could say it.
    for file in args.corpora:
        Corpus.load(file)
    check_folder(out, args.resume)
    return processes.launch(_train, count, threads, job)


def _share(hardware: Hardware, batch: int) -> tuple[int, int]:
    """How many processes are started here, and the threads of each; 0 threads are as many as torch likes.

    Raises:
        InputError: several were asked for where only torchrun can start them.
    """
    from ..runs import processes
    from ..runs.hardware import cores, share_cores

    started = processes.wants_cuda(hardware.device) or {"RANK", "WORLD_SIZE"} <= os.environ.keys()
    if not started and processes.can_launch():
        return share_cores(batch, cores(), hardware.processes, hardware.threads)
    if hardware.processes > 1:
        how = "torchrun starts the processes" if started else "here is only one process possible"
        raise InputError(
            f"--processes {hardware.processes}: {how}; leave it out (see 'strokes train --help')"
        )
    return 1, hardware.threads


def _train(place: Place | None, job: _Job) -> int:
    """The work of one process; `place` tells it among its like."""
    import torch

    from ..corpus import Corpus
    from ..runs import processes
    from ..runs.folder import check_folder
    from ..runs.hardware import compute_dtype
    from ..training.loop import train

    corpora = [Corpus.load(file) for file in job.corpora]
    group = processes.start(place, job.device)
    if group.first:
        check_folder(job.out, job.resume)
        if job.start is not None and job.start.preprocessing.geometry != corpora[0].preprocessing.geometry:
            say(
                f"{job.corpora[0]} was prepared with other options than the model that it starts from; "
                "lines of another scale or rate than it knows come out as such"
            )
        threads = torch.get_num_threads()
        lines, points = sum(map(len, corpora)), sum(c.point_count for c in corpora)
        note(
            f"{lines} lines, {points / 1e6:.2f} M points; {group.device.type}, "
            f"{group.size} process{'es' * (group.size > 1)} of {threads} thread{'s' * (threads > 1)}, "
            f"{str(compute_dtype(job.config.precision, group.device))[6:]}"
        )
    result = train(
        corpora,
        job.out,
        job.config,
        group=group,
        resume=job.resume,
        start=job.start,
        styles=job.styles,
        draw=_draw,
    )
    if group.first:
        _curves(job.out)
        note(_outcome(result, job))
    group.close()
    return 0


def _outcome(result: TrainingResult, job: _Job) -> str:
    """How a run ended, and how it goes on."""
    done = result.progress
    said = (
        f"{'trained' if result.finished else 'stopped'} at step {done.step}, {done.points / 1e6:.2f} M points, "
        f"{result.seconds / 60:.1f} min"
    )
    if done.best is not None:
        said += f", best validation {done.best:.4f} nats/point"
    elif not result.finished:
        said += f", not validated yet; {job.out / 'latest'} has the weights as they are"
    if result.finished:
        return said
    return f"{said}; go on with: {shlex.join(['strokes', 'train', *job.corpora, '-o', str(job.out), '--resume'])}"


def _threads_asked_for() -> int:
    """OMP_NUM_THREADS, which may be a list with a number for each level of nesting."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(int(first), 4096) if first.isdecimal() and len(first) < 9 else 0


#: What the validation samples say: common words, capitals, digits, punctuation.
_SAMPLES = (
    "You know nothing Jon Snow",
    "The quick brown fox jumps over the lazy dog.",
    "Meet me at 9 o'clock, or at 10:45?",
    "vexing queries from Kate, Victor and Zoe",
    "handwriting is judged by eye",
)


def _draw(model: Model, path: Path) -> None:
    from ..figures import samples_sheet
    from ..sampling import Sampler, SamplingOptions

    lines = Sampler(model).sample(_SAMPLES, SamplingOptions(best_of=1))
    title = f"{model.info['epochs']:.2f} epochs, {model.info['validation']['nats_per_point']:.3f} nats/point"
    samples_sheet([(line.text, line.ink) for line in lines], path, title)
    _curves(path.parent)


def _curves(run: Path) -> None:
    from ..figures import training_curves

    if (run / "metrics.jsonl").stat().st_size:
        training_curves(run / "metrics.jsonl", run / "curves.png")
