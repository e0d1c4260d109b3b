"""The environment variables, one by one."""

import os
from pathlib import Path

import pytest

from bot.config import ConfigurationError, Secret, database_url
from bot.config.database import disk_warning
from bot.config.environment import read_slack, read_wire, secret


def slack_problems(environ: dict[str, str], cwd: Path, *, required: bool = True) -> str:
    """Return what is wrong with the variables of Slack."""
    with pytest.raises(ConfigurationError) as caught:
        read_slack(environ, cwd, required=required)
    return "; ".join(caught.value.problems)


def test_socket_mode_needs_no_signing_secret(tmp_path: Path) -> None:
    """The connection is ours."""
    slack = read_slack({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, tmp_path, required=True)
    assert slack.socket_mode


def test_http_mode_needs_a_signing_secret(tmp_path: Path) -> None:
    """Else anybody could send commands."""
    assert "SLACK_SIGNING_SECRET is not set" in slack_problems({"SLACK_BOT_TOKEN": "xoxb-1"}, tmp_path)


def test_commands_that_do_not_speak_to_slack_need_no_token(tmp_path: Path) -> None:
    """`list`, for one."""
    assert read_slack({}, tmp_path, required=False).bot_token is None


def test_tokens_that_were_swapped_are_told_apart(tmp_path: Path) -> None:
    """The most frequent mistake of an installation."""
    told = slack_problems({"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xoxb-1"}, tmp_path)
    assert "SLACK_BOT_TOKEN holds an app-level token" in told
    assert "SLACK_APP_TOKEN holds a bot token" in told
    assert "-1" not in told


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SLACK_API_URL", "slack.com/api"),
        ("SLACK_RESPONSE_HOSTS", "https://hooks.slack.com/"),
        ("SLACK_API_URL", "ftp://x"),
    ],
)
def test_addresses_are_checked(tmp_path: Path, variable: str, value: str) -> None:
    """A scheme too few or too many."""
    assert variable in slack_problems({variable: value}, tmp_path, required=False)


def test_response_hosts_are_a_list(tmp_path: Path) -> None:
    """Upper case, white space and ports are fine."""
    environ = {"SLACK_RESPONSE_HOSTS": "Hooks.Slack.com, 127.0.0.1:8080 ,[::1]:80,"}
    hosts = read_slack(environ, tmp_path, required=False).response_hosts
    assert hosts == {"hooks.slack.com", "127.0.0.1:8080", "[::1]:80"}


@pytest.mark.parametrize("port", ["-1", "65536", "99999999", "80a", "٣"])
def test_a_port_is_a_number_up_to_65535(port: str) -> None:
    """Nothing else."""
    with pytest.raises(ConfigurationError, match="PORT is"):
        read_wire({"PORT": port})


def test_the_server_listens_on_loopback_unless_told() -> None:
    """`HOST=` is not set."""
    assert read_wire({"HOST": ""}) == ("127.0.0.1", 3000)
    assert read_wire({"HOST": "0.0.0.0", "PORT": "0"}) == ("0.0.0.0", 0)  # noqa: S104 - as the Procfile says


# --- secrets ---------------------------------------------------------------------------------------------


def test_a_secret_does_not_print_itself() -> None:
    """In no form."""
    value = Secret("SLACK_BOT_TOKEN", "xoxb-hunter2")
    assert "hunter2" not in f"{value} {value!r} {[value]} {vars(type(value))}"
    assert value.reveal() == "xoxb-hunter2"


def test_a_secret_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    """Also when a symbolic link is swapped, as Kubernetes does."""
    (tmp_path / "one").write_text("first\n")
    (tmp_path / "two").write_text("second\n")
    link = tmp_path / "token"
    link.symlink_to("one")
    token = secret({"SLACK_BOT_TOKEN_FILE": "token"}, "SLACK_BOT_TOKEN", tmp_path)
    assert token is not None
    assert token.reveal() == "first"
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(link)
    assert token.reveal() == "second"


def test_a_secret_stays_while_its_file_is_away(tmp_path: Path) -> None:
    """Between the halves of a rotation; then the new one is used, even of the same length and inode."""
    file = tmp_path / "token"
    file.write_text("first")
    token = Secret.from_file("T", file)
    file.unlink()
    assert token.reveal() == "first"
    file.write_text("")
    assert token.reveal() == "first"
    file.write_text("third")
    os.utime(file, ns=(0, 12345))
    assert token.reveal() == "third"


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "cannot be read: No such file"), (" \n", "is empty"), (b"\xff", "UTF-8")]
)
def test_a_secret_file_that_gives_nothing_is_named(
    tmp_path: Path, content: str | bytes | None, sentence: str
) -> None:
    """Not its content."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        secret({"SLACK_BOT_TOKEN_FILE": "token"}, "SLACK_BOT_TOKEN", tmp_path)
    assert str(caught.value).startswith(f"SLACK_BOT_TOKEN_FILE names {file}")


def test_a_secret_comes_from_one_place(tmp_path: Path) -> None:
    """Both set is a mistake, not a preference."""
    both = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_BOT_TOKEN_FILE": "token"}
    with pytest.raises(ConfigurationError, match="are both set"):
        secret(both, "SLACK_BOT_TOKEN", tmp_path)


# --- database --------------------------------------------------------------------------------------------


def test_the_database_is_a_file_in_the_working_directory_unless_told(tmp_path: Path) -> None:
    """Absolute, so that nobody's change of directory moves it."""
    assert database_url({}, tmp_path).reveal() == f"sqlite:///{tmp_path}/elb-passthrough.sqlite3"
    assert database_url({"DATABASE_URL": "sqlite:///x.db"}, tmp_path).reveal() == f"sqlite:///{tmp_path}/x.db"
    assert database_url({"DATABASE_URL": "sqlite:////var/x.db"}, tmp_path).reveal() == "sqlite:////var/x.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_has_one_spelling(tmp_path: Path, scheme: str) -> None:
    """Heroku's is the old one."""
    url = database_url({"DATABASE_URL": f"{scheme}://u:p@db/x"}, tmp_path)
    assert url.reveal() == "postgresql://u:p@db/x"


def test_a_database_from_a_file_has_one_spelling_too(tmp_path: Path) -> None:
    """Also after it changed."""
    (tmp_path / "url").write_text("postgres://u:p@db/x")
    url = database_url({"DATABASE_URL_FILE": "url"}, tmp_path)
    (tmp_path / "url").write_text("postgres://u:other@db/x")
    assert url.reveal() == "postgresql://u:other@db/x"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://u:hunter2@db/x", "is no address such as"),
        ("hunter2", "is no address such as"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///absent/x.db", "there is no directory"),
    ],
)
def test_a_database_that_cannot_be_is_refused_without_its_password(
    tmp_path: Path, url: str, sentence: str
) -> None:
    """One sentence."""
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        database_url({"DATABASE_URL": url}, tmp_path)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "warned"),
    [
        ({}, ""),
        ({"DYNO": "web.1"}, "Heroku"),
        ({"K_SERVICE": "bot"}, "Cloud Run"),
    ],
)
def test_a_file_on_a_disk_that_does_not_last_is_a_warning(
    tmp_path: Path, environ: dict[str, str], warned: str
) -> None:
    """A restart would lose open changes and the audit log."""
    told = disk_warning(database_url({}, tmp_path), environ)
    assert (warned in told) is True
    assert bool(told) is bool(warned)


def test_a_server_database_is_no_warning_anywhere() -> None:
    """Its disk is its own affair."""
    assert disk_warning(Secret("DATABASE_URL", "postgresql://db/x"), {"DYNO": "web.1"}) == ""


def test_a_pod_without_a_volume_is_a_warning() -> None:
    """A volume is another device than the root."""
    pod = {"KUBERNETES_SERVICE_HOST": "10.247.0.1"}
    on_root = Secret("DATABASE_URL", "sqlite:////elb-passthrough.sqlite3")
    on_volume = Secret("DATABASE_URL", "sqlite:////proc/elb-passthrough.sqlite3")
    assert "a Pod without a volume" in disk_warning(on_root, pod)
    assert disk_warning(on_volume, pod) == ""
