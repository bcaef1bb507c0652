"""Files are whole or absent, whoever writes, wherever the name leads, however the program ends."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading

import pytest

from strokes.files import InputError, atomic_path, check_output, exit_on_sigterm, write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="needs symbolic links, modes and signals of POSIX")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_written_and_written_over(tmp_path):
    path = tmp_path / "page.svg"
    write_whole(path, b"first, and longer")
    write_whole(str(path), b"second")
    assert path.read_bytes() == b"second" and names(tmp_path) == ["page.svg"]


def test_an_exception_leaves_the_previous_file_and_nothing_else(tmp_path):
    path = tmp_path / "page.svg"
    write_whole(path, b"previous")

    def interrupted():
        with atomic_path(path) as tmp:
            tmp.write_bytes(b"half of")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"previous" and names(tmp_path) == ["page.svg"]


@posix
def test_a_symbolic_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real.bin").write_bytes(b"previous")
    for link, target in (("a.svg", "there/real.bin"), ("b.svg", "a.svg"), ("c.svg", "there/new.bin")):
        (tmp_path / link).symlink_to(target)
        with atomic_path(tmp_path / link) as tmp:
            assert tmp.suffix == ".svg" and tmp.parent == tmp_path / "there"
            tmp.write_text(link)
        assert (tmp_path / link).is_symlink() and (tmp_path / link).read_text() == link
    assert names(tmp_path / "there") == ["new.bin", "real.bin"]
    assert (tmp_path / "there" / "real.bin").read_text() == "b.svg"


@posix
def test_links_that_lead_nowhere_are_refused(tmp_path):
    (tmp_path / "loop.svg").symlink_to("loop.svg")
    (tmp_path / "lost.svg").symlink_to("missing/page.svg")
    (tmp_path / "folder.svg").symlink_to(".")
    for name, match in (
        ("loop", "leads back to itself"),
        ("lost", "missing does not exist"),
        ("folder", "is a folder"),
    ):
        with pytest.raises(InputError, match=match):
            write_whole(tmp_path / f"{name}.svg", b"")
    assert all(p.is_symlink() for p in tmp_path.iterdir())


@posix
def test_modes_are_kept_and_new_files_follow_the_umask(tmp_path):
    path = tmp_path / "page.svg"
    mask = os.umask(0o027)
    try:
        write_whole(path, b"new")
        assert mode(path) == 0o640
        for kept in (0o600, 0o755):
            path.chmod(kept)
            with atomic_path(path) as tmp:  # as a writer that makes private files does
                tmp.unlink()
                os.close(os.open(tmp, os.O_WRONLY | os.O_CREAT, 0o600))
            assert mode(path) == kept
    finally:
        os.umask(mask)


@posix
def test_what_is_no_file_is_refused_and_stays(tmp_path):
    pipe = tmp_path / "pipe.svg"
    os.mkfifo(pipe)
    for path, match in (
        (pipe, "not a file"),
        (os.devnull, "not a file"),
        (tmp_path, "is a folder"),
        (tmp_path / "missing" / "page.svg", "missing does not exist"),
        (tmp_path / "pipe.svg" / "page.svg", "cannot be written|does not exist"),
        (tmp_path / "nu\0l.svg", "null character"),
        (tmp_path / f"{'x' * 300}.svg", "too long"),
    ):
        with pytest.raises(InputError, match=match):
            write_whole(path, b"")
        with pytest.raises(InputError, match=match):
            check_output(path)
    assert stat.S_ISFIFO(pipe.stat().st_mode) and names(tmp_path) == ["pipe.svg"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write read-only files")
def test_read_only_files_and_folders_are_refused(tmp_path):
    path = tmp_path / "page.svg"
    path.write_bytes(b"precious")
    path.chmod(0o444)
    with pytest.raises(InputError, match="read-only"):
        write_whole(path, b"")
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(InputError, match="cannot be written to"):
            write_whole(tmp_path / "new.svg", b"")
    finally:
        tmp_path.chmod(0o755)
    assert path.read_bytes() == b"precious"


def test_check_output_gives_the_path_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(check_output("page.svg")) == "page.svg" and names(tmp_path) == []


def test_long_names_have_room_for_the_temporary_one(tmp_path):
    for name in ("x" * 251 + ".svg", "\u00e9" * 125 + ".svg", "\U0001f58b" * 60 + ".svg", "a." + "b" * 250):
        write_whole(tmp_path / name, b"here")
        assert (tmp_path / name).read_bytes() == b"here"


def test_threads_that_save_one_path_all_succeed(tmp_path):
    path = tmp_path / "page.svg"
    contents = [bytes([65 + i]) * 200_000 for i in range(4)]
    together, failures, seen = threading.Barrier(5), [], set()

    def save(content):
        together.wait()
        try:
            for _ in range(10):
                write_whole(path, content)
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=save, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    together.wait()
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            seen.add(path.read_bytes())
    assert not failures and seen <= set(contents)
    assert path.read_bytes() in contents and names(tmp_path) == ["page.svg"]


# A program that begins a file in its main thread and one in another, says so, and waits.
_WRITES = """
    import sys, threading, time
    from strokes.files import atomic_path, exit_on_sigterm

    def begin(name, ready):
        with atomic_path(name) as tmp:
            tmp.write_bytes(b"half of")
            ready()
            time.sleep(60)

    {handler}
    begun = threading.Event()
    threading.Thread(target=begin, args=("b.svg", begun.set), daemon=True).start()
    begun.wait()
    begin("a.svg", lambda: print("ready", flush=True))
"""


@posix
def test_sigterm_leaves_no_temporary_file(tmp_path):
    program = textwrap.dedent(_WRITES).format(handler="exit_on_sigterm()")
    process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n" and len(names(tmp_path)) == 2
    process.terminate()
    assert process.wait(30) == 143 and names(tmp_path) == []


@posix
def test_a_handler_of_sigterm_that_is_there_already_stays(tmp_path):
    def theirs(*_):
        raise AssertionError

    before = signal.signal(signal.SIGTERM, theirs)
    try:
        exit_on_sigterm()
        assert signal.getsignal(signal.SIGTERM) is theirs
    finally:
        signal.signal(signal.SIGTERM, before)


@posix
def test_a_forked_child_leaves_its_parents_temporary_files_alone(tmp_path):
    program = """
        import os, sys
        from strokes.files import atomic_path

        with atomic_path("a.svg") as tmp:
            tmp.write_bytes(b"whole")
            if os.fork() == 0:
                import atexit
                atexit._run_exitfuncs()
                os._exit(0)
            os.wait()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, check=True)
    assert (tmp_path / "a.svg").read_bytes() == b"whole" and names(tmp_path) == ["a.svg"]
