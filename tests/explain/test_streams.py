"""Where input comes from and output goes to: pipes, devices, terminals, other encodings, and an end in the middle."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.explain.command import Explain
from tests.explain.manifests import GENERIC, cluster, listed, service

SOUND = listed(*cluster(), GENERIC)
COMMAND = (sys.executable, "-m", "bot", "explain")
BOUND = 60


def shell(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell with the command as "$@"."""
    return subprocess.run(  # noqa: S603  our own interpreter
        ["/bin/sh", "-c", script, "sh", *COMMAND, *arguments],
        capture_output=True,
        timeout=BOUND,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A file that can be explained."""
    path = tmp_path / "cluster.json"
    path.write_text(SOUND, encoding="utf-8")
    return path


def test_a_pipe_with_a_name_is_read(tmp_path: Path, sound: Path) -> None:
    """As a shell's <(kubectl get …) gives one."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    run = shell(f'cat "{sound}" > "{pipe}" & "$@" "{pipe}"; status=$?; wait; exit $status')
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout.startswith(b"default/nginx: ")


@pytest.mark.parametrize(
    ("place", "words"), [("/", "Is a directory"), ("/proc/self/mem", "Input/output error")]
)
def test_what_cannot_be_read_is_named(explain: Explain, place: str, words: str) -> None:
    """A directory; a file whose reading fails."""
    result = explain.run(place)
    assert (result.status, result.err) == (2, f"elb-passthrough: {place}: {words}\n")


@pytest.mark.parametrize("nothing", ["", "\n", "---\n", "---\n...\n---\n", "# nothing\n", "\ufeff"])
def test_empty_input_is_said_to_be_empty(explain: Explain, nothing: str) -> None:
    """What kubectl leaves behind when it fails in a pipe; an answer without Services all the same."""
    result = explain.run("-", "-o", "json", stdin=nothing.encode())
    assert (result.status, result.explanations) == (0, [])
    assert result.err == "elb-passthrough: the input is empty\n"


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_windows_makes_of_a_file_is_read(explain: Explain, coding: str, end: str) -> None:
    """A byte order mark, UTF-16 as PowerShell's `>` writes it, lines with carriage returns."""
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  type: LoadBalancer\n  ports: [{port: 80}]\n"
    result = explain.run(explain.file(text.replace("\n", end).encode(coding)), "-o", "json")
    assert [each["service"]["name"] for each in result.explanations] == ["web"]


def test_closed_standard_streams_are_named(sound: Path) -> None:
    """By `<&-` and `>&-`: one sentence, status 2."""
    run = shell('"$@" - <&-')
    assert (run.returncode, run.stderr) == (2, b"elb-passthrough: standard input is closed\n")
    run = shell('"$@" >&-', str(sound))
    assert (run.returncode, run.stderr) == (2, b"elb-passthrough: standard output is closed\n")


def test_a_full_disk_is_named(sound: Path) -> None:
    """What was not written was not answered."""
    run = shell('"$@" > /dev/full', str(sound))
    assert (run.returncode, run.stderr) == (2, b"elb-passthrough: No space left on device\n")


def test_a_reader_that_has_enough_is_no_error(sound: Path) -> None:
    """`| head -1`: status 0, and nothing on standard error."""
    run = shell('{ "$@"; echo "status $?" >&2; } | head -1', str(sound), "-o", "json")
    assert run.stderr == b"status 0\n"


def test_an_interrupt_ends_it_quietly(tmp_path: Path) -> None:
    """Ctrl-C while it waits for input: status 130, as shells count, and no traceback."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen([*COMMAND, str(pipe)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:  # noqa: S603  our own interpreter
        with pipe.open("wb", buffering=0) as writing:  # opens when the reader has come
            writing.write(b"kind: ")
            run.send_signal(signal.SIGINT)
        # Closed, because a signal that comes just before the reader blocks is not seen before its read returns.
        out, err = run.communicate(timeout=BOUND)
    assert (run.returncode, out, err) == (130, b"", b"")


def test_names_cannot_steer_a_terminal(explain: Explain) -> None:
    """Escape codes, turned text and halves of letters, all of which JSON can hold, are shown as what they are."""
    evil = service()
    evil["status"]["loadBalancer"]["ingress"] = [{"hostname": "a\x1b[31m\u202eb\ud800"}]
    path = explain.file(listed(evil, *cluster()[1:], GENERIC))
    for form in ("text", "mermaid", "svg"):
        result = explain.run(path, "-o", form)
        assert result.status == 0
        assert r"a\x1b[31m\u202eb\ud800" in result.out
        assert not set("\x1b\u202e\ud800") & set(result.out)
    (first, *_) = explain.run(path, "-o", "json").paths
    assert first["destination"]["ip"] == "a\x1b[31m\u202eb\ud800"


def test_an_error_cannot_steer_a_terminal(explain: Explain) -> None:
    """What is wrong is quoted from the file."""
    result = explain.run(explain.file('{"kind": "\\u001b[31mService"}'))
    assert result.status == 2
    assert r"\x1b[31mService" in result.err


@pytest.mark.parametrize("form", ["text", "json", "mermaid", "svg"])
def test_a_terminal_of_another_encoding_is_written_to(sound: Path, form: str) -> None:
    """Escapes instead of an error about letters."""
    run = shell('"$@"', str(sound), "-o", form, PYTHONIOENCODING="ascii")
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout.isascii()
