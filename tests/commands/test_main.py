"""The command line: what each subcommand takes, what it loads, and how it ends."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bot.__main__ import main
from bot.config import ConfigurationError

ROOT = Path(__file__).parents[2]


def run(
    *arguments: str, cwd: Path, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own, with nothing configured but what is given."""
    return subprocess.run(  # noqa: S603 - the program under test
        [sys.executable, "-m", "bot", *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(cwd), **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "command", ["serve", "demo", "explain", "list", "audit", "migrate", "probe", "doctor"]
)
def test_every_subcommand_has_a_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Which needs nothing to be configured."""
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"usage: elb-passthrough {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["explain"],
        ["demo", "--port", "70000"],
        ["demo", "--port", "x"],
        ["audit", "burn"],
        ["list", "-o", "svg"],
        ["explain", "x.yaml", "--fail-on", "info"],
    ],
)
def test_a_wrong_command_line_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With a sentence on standard error."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "elb-passthrough" in capsys.readouterr().err


def test_a_misspelt_subcommand_gets_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    """As argparse does."""
    with pytest.raises(SystemExit):
        main(["explian"])
    assert "choose from" in capsys.readouterr().err


def test_serve_tells_every_fault_and_ends_with_2(tmp_path: Path) -> None:
    """One line each, no traceback, nothing on standard output."""
    done = run("serve", cwd=tmp_path, environ={"PORT": "x"})
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert [line.removeprefix("elb-passthrough: ").partition(" ")[0] for line in lines] == [
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "PORT",
        "no",
    ]


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    """Its name first."""
    done = run("explain", "absent.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "absent.yaml" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_doctor_without_a_configuration_ends_with_2(tmp_path: Path) -> None:
    """There is nothing to check."""
    done = run("doctor", cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


def test_doctor_ends_with_1_when_a_check_failed(tmp_path: Path) -> None:
    """No Slack, and a cluster on a port where nothing listens."""
    (tmp_path / "kubeconfig").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n"
        "contexts: [{name: a, context: {cluster: a, user: a}}]\n"
        "clusters: [{name: a, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "users: [{name: a, user: {token: hunter2}}]\n"
    )
    done = run("doctor", cwd=tmp_path, environ={"KUBECONFIG": str(tmp_path / "kubeconfig")})
    assert done.returncode == 1, done.stderr
    states = [line.split()[0] for line in done.stdout.splitlines()]
    assert set(states) <= {"ok", "warn", "fail"}
    assert "hunter2" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["--version"], ["yaml", "asyncio", "logging"]),
        (
            ["explain", "absent.yaml"],
            ["slack_bolt", "slack_sdk", "kubernetes", "sqlalchemy", "aiohttp", "jinja2"],
        ),
        (["probe"], ["yaml", "slack_bolt", "slack_sdk", "kubernetes", "sqlalchemy", "aiohttp", "jinja2"]),
    ],
)
def test_a_subcommand_loads_nothing_that_it_does_not_need(
    tmp_path: Path, arguments: list[str], forbidden: list[str]
) -> None:
    """A cold `explain` is quick; a probe's image holds the standard library only."""
    script = (
        "import sys\n"
        "from bot.__main__ import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        f"print('LOADED', [name for name in {forbidden!r} if name in sys.modules])\n"
    )
    done = subprocess.run(  # noqa: S603 - our own text
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "LOADED []" in done.stdout, done.stdout + done.stderr


def test_whoever_stops_reading_early_gets_no_error(tmp_path: Path) -> None:
    """`elb-passthrough --help | head -1`, with more to write than a pipe holds."""
    script = (
        "import sys, types\n"
        "from bot.__main__ import main\n"
        "loud = types.ModuleType('bot.commands.list')\n"
        "def run(args):\n"
        "    for _ in range(100_000):\n"
        "        print('a line')\n"
        "    return 0\n"
        "loud.run = run\n"
        "sys.modules['bot.commands.list'] = loud\n"
        "sys.exit(main(['list']))\n"
    )
    with subprocess.Popen(  # noqa: S603 - our own text
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "a line\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("raised", "sentence"),
    [
        (ValueError("--to: no address"), "--to: no address"),
        (LookupError("there is no Service a/b"), "there is no Service a/b"),
        (FileNotFoundError(2, "No such file or directory", "x.yaml"), "x.yaml: No such file or directory"),
        (KeyError("x"), "unexpected KeyError: 'x' (--debug shows where)"),
        (RuntimeError(), "unexpected RuntimeError (--debug shows where)"),
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (ConfigurationError(["PORT is 'x'"]), "PORT is 'x'"),
        (KeyboardInterrupt(), ""),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_an_error_is_a_sentence_and_a_traceback_only_on_request(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    sentence: str,
    *,
    debug: bool,
) -> None:
    """Wrong input, and surprises."""

    def run(_: object) -> int:
        raise raised

    broken = ModuleType("bot.commands.list")
    monkeypatch.setattr(broken, "run", run, raising=False)
    monkeypatch.setitem(sys.modules, "bot.commands.list", broken)
    monkeypatch.setenv("ELB_PASSTHROUGH_DEBUG", "")
    status = main([*(["--debug"] if debug else []), "list"])
    told = capsys.readouterr().err
    assert status == (2 if sentence else 130)
    assert told.splitlines()[-1:] == ([f"elb-passthrough: {sentence}"] if sentence else [])
    assert ("Traceback" in told) is (debug and bool(sentence))
