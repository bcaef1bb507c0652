"""What all commands share: how they begin, and that whatever goes wrong is one sentence and an exit status."""

from __future__ import annotations

import functools
import io
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest
import tqdm

import strokes.cli as cli
from strokes.cli import COMMANDS, main
from strokes.cli.console import Bars, open_streams, printable, progress
from strokes.cli.environment import set_environment
from strokes.cli.group import Group
from strokes.files import InputError


def one_line(err: str) -> str:
    assert err.startswith("strokes: ") and err.count("\n") == 1 and err.endswith("\n")
    return err


@pytest.fixture
def command(monkeypatch):
    """Makes a command of the group that raises or does what the test says."""

    def make(action) -> None:
        module = types.ModuleType("strokes.cli.broken")
        module.run = lambda argv: action()
        monkeypatch.setitem(sys.modules, "strokes.cli.broken", module)
        monkeypatch.setattr(cli, "GROUP", Group("strokes", "strokes.cli", {"broken": "breaks"}, "", ""))

    def raises(error: BaseException) -> None:
        def action():
            raise error

        make(action)

    make.raises = raises
    return make


# -- the last guard -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (InputError("a sentence"), 2, "strokes: a sentence\n"),
        (InputError("\x1b[31mred\nline"), 2, "strokes: \\x1b[31mred\\nline\n"),
        (FileNotFoundError(2, "No such file", "/some/file"), 2, "strokes: /some/file: No such file\n"),
        (OSError(28, "No space left on device"), 2, "strokes: No space left on device\n"),
        (MemoryError(), 1, "strokes: there is not enough memory for this; ask for less at once\n"),
        (KeyboardInterrupt(), 130, "strokes: interrupted\n"),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_a_status(error, status, says, command, capsys):
    command.raises(error)
    assert main(["broken"]) == status
    assert capsys.readouterr() == ("", says)


@pytest.mark.parametrize(
    "error", [ValueError("odd\nthing"), RecursionError(), ZeroDivisionError("x" * 5000), OSError()]
)
def test_an_error_of_the_program_is_a_sentence_that_says_how_to_see_more(error, command, capsys, monkeypatch):
    monkeypatch.delenv("STROKES_TRACEBACK", raising=False)
    command.raises(error)
    assert main(["broken"]) == 1
    err = one_line(capsys.readouterr().err)
    assert type(error).__name__ in err and "STROKES_TRACEBACK=1" in err and len(err) < 600
    monkeypatch.setenv("STROKES_TRACEBACK", "1")
    assert main(["broken"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Traceback (most recent call last):" and lines[-1].startswith("strokes: ")


def test_a_command_may_return_nothing_or_a_status(command):
    command(lambda: None)
    assert main(["broken"]) == 0
    command(lambda: 7)
    assert main(["broken"]) == 7


def test_a_full_disk_behind_standard_output_is_noticed(command, capsys, monkeypatch):
    class Full(io.StringIO):
        def flush(self):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    assert main(["write", "--help"]) == 2
    assert one_line(capsys.readouterr().err) == "strokes: No space left on device\n"
    command(lambda: print("a table"))
    assert main(["broken"]) == 2
    assert one_line(capsys.readouterr().err) == "strokes: No space left on device\n"


def test_so_is_one_that_is_full_while_help_is_printed(capsys, monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    for argv in (["write", "--help"], ["--help"], ["--version"]):
        assert main(argv) == 2
        assert one_line(capsys.readouterr().err) == "strokes: No space left on device\n"


# -- groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["draw"], "there is no command 'draw'; there are write, "),
        (["wirte"], "the nearest is write"),
        (["prepare", "mnist"], "there is no data set 'mnist'; there are iam, "),
        (["characters", "sampel"], "the nearest is sample"),
        (["--bias", "3"], "there is no command '--bias'"),
        ([""], "there is no command ''"),
        (["..main"], "there is no command"),
    ],
)
def test_a_command_that_is_none_is_refused(argv, says, capsys):
    assert main(argv) == 2
    assert says in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("argv", [[], ["prepare"], ["characters"]])
def test_a_group_lists_its_commands_and_imports_none(argv, capsys):
    assert main([*argv, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: {' '.join(['strokes', *argv])} ") and "example" in out
    assert main(argv) == 2  # nothing asked for
    assert capsys.readouterr().out == out


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip()[0].isdigit()


# -- the terminal ---------------------------------------------------------------------------------


def test_control_characters_are_escaped():
    assert printable("a\x1b[31m\x07\x00\x9b\u202e\u2028\udc80\ne") == (
        "a\\x1b[31m\\x07\\x00\\x9b\\u202e\\u2028\\udc80\\ne"
    )
    assert printable("naïve 50 € \U0001f600") == "naïve 50 € \U0001f600"
    assert printable(Path("a b")) == "a b"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def _at_once(monkeypatch):
    """Bars that are drawn at every step."""
    monkeypatch.setattr(tqdm, "tqdm", functools.partial(tqdm.tqdm, mininterval=0))


@pytest.mark.usefixtures("_at_once")
def test_a_bar_moves_on_a_terminal_and_nowhere_else(monkeypatch):
    for stream, total, drawn in ((Terminal(), 4, True), (Terminal(), 3, False), (io.StringIO(), 400, False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress("reading \x1b", total, "line") as tick:
            tick(1)
            tick(total - 1)
        text = stream.getvalue()
        assert bool(text) is drawn
        assert not drawn or (f"{total}/{total}" in text and "reading \\x1b" in text)


@pytest.mark.usefixtures("_at_once")
def test_bars_follow_each_other(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Bars({"cleaning": " lines"}) as bars:
        bars("a.tar\x1b.gz", 2**20)(2**19)
        bars("cleaning", 8)(4)
        bars("folder", None)(3)
    text = sys.stderr.getvalue()
    assert "a.tar\\x1b.gz" in text and "4/8" in text and "folder" in text and "\x1b.gz" not in text


def test_an_encoding_that_lacks_a_character_gets_an_escape(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict"))
    open_streams()
    for stream in (sys.stdout, sys.stderr):
        print("naïve", file=stream, flush=True)
        assert stream.buffer.getvalue() == b"na\\xefve\n"


def process(code: str, shell: str, **environment: str) -> subprocess.CompletedProcess:
    """Run code, with the redirections of a shell."""
    env = {**os.environ, "CODE": code, "PYTHON": sys.executable, **environment}
    command = ["sh", "-c", f'"$PYTHON" -c "$CODE" {shell}']
    return subprocess.run(command, env=env, capture_output=True, timeout=120)


def test_closed_streams_neither_lose_the_output_nor_end_up_in_it(tmp_path):
    """The first file that is opened would take the number of standard error, and receive what is printed there."""
    code = (
        "import os, sys\nfrom strokes.cli.console import open_streams, say\nopen_streams()\n"
        f"with open({str(tmp_path / 'out')!r}, 'w') as f:\n"
        "    say('a message'); os.write(2, b'of a library'); print('a table', flush=True)\n"
        "    f.write('the output')\n"
        "sys.exit(sys.stderr.isatty() or sys.stdin is not None)\n"
    )
    done = process(code, "<&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"a table\n", b"")
    assert (tmp_path / "out").read_text() == "the output"
    done = process(code, "<&- >&- 2>&-")
    assert done.returncode == 0 and (tmp_path / "out").read_text() == "the output"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_sigterm_leaves_no_half_of_a_file(tmp_path):
    code = (
        "import os, signal, sys, types\nfrom strokes.cli import main\nimport strokes.cli as cli\n"
        "from strokes.files import atomic_path\n"
        "def run(argv):\n"
        f"    with atomic_path({str(tmp_path / 'out.txt')!r}) as tmp:\n"
        "        tmp.write_text('half')\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        signal.pause()\n"
        "sys.modules['strokes.cli.write'] = types.SimpleNamespace(run=run)\n"
        "sys.exit(main(['write']))\n"
    )
    assert process(code, "").returncode == 143
    assert list(tmp_path.iterdir()) == []


# -- the environment ------------------------------------------------------------------------------

_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.mark.parametrize(("name", "limited"), [(c, c in ("write", "heatmap", "prepare")) for c in COMMANDS])
def test_what_writes_has_one_thread_and_what_trains_no_limit(name, limited, monkeypatch):
    for variable in (*_THREADS, "OMP_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    set_environment(name)
    assert not any(variable in os.environ for variable in _THREADS)  # numpy has read it already
    monkeypatch.delitem(sys.modules, "numpy")
    set_environment(name)
    assert all((os.environ.get(variable) == "1") is limited for variable in _THREADS)
    assert "OMP_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    set_environment(name)
    assert os.environ["OPENBLAS_NUM_THREADS"] == "3"
    for variable in _THREADS:
        monkeypatch.delenv(variable, raising=False)


# -- what is imported -----------------------------------------------------------------------------


def test_no_help_but_that_of_training_characters_waits_for_heavy_libraries():
    code = (
        "import contextlib, io, sys\nfrom strokes.cli import COMMANDS, characters, main, prepare\n"
        "calls = [[], *([name] for name in COMMANDS)]\n"
        "calls += [[g.GROUP.name.split()[1], name] for g in (prepare, characters) for name in g.GROUP.commands]\n"
        "calls.remove(['characters', 'train'])\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    for words in calls:\n"
        "        with contextlib.suppress(SystemExit):\n"
        "            assert main([*words, '--help']) == 0\n"
        "heavy = {'torch', 'matplotlib', 'scipy', 'tqdm', 'svgwrite', 'lxml', 'onnxruntime', 'onnx', 'yaml'}\n"
        "print(*(name for name in heavy if name in sys.modules))\n"
    )
    done = process(code, "")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"", b"")
