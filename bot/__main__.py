"""The command line: each subcommand loads its own module, and nothing else, when it is chosen."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module

from bot import __version__

WRONG = 2
"""Exit status: the input or the configuration is wrong."""
_INTERRUPTED = 130
"""128 + SIGINT, as shells count."""

_WRONG_INPUT = {ValueError, LookupError}
"""What commands raise, beside errors of our own, when an option or a file is wrong; no subclasses: those surprise."""

Parser = argparse.ArgumentParser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return the exit status. Nobody sees a traceback who did not ask for it."""
    args = _parser().parse_args(argv)
    if args.debug:
        os.environ["ELB_PASSTHROUGH_DEBUG"] = "1"
    try:
        if sys.stdout is None:  # the shell's >&-
            print("elb-passthrough: standard output is closed", file=sys.stderr)
            return WRONG
        status = _run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough. What is still buffered must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the edge of the command line: one sentence, not a traceback
        return _tell(error)
    return status


def _run(args: argparse.Namespace) -> int:
    command: Callable[[argparse.Namespace], int] = import_module(f"bot.commands.{args.module}").run
    return command(args)


def _tell(error: Exception) -> int:
    if os.environ.get("ELB_PASSTHROUGH_DEBUG"):
        traceback.print_exception(error)
    from bot.domain.words import visible  # noqa: PLC0415  only where something is wrong

    for problem in getattr(error, "problems", ()) or (_sentence(error),):
        print(visible(f"elb-passthrough: {problem}"), file=sys.stderr)
    return WRONG


def _sentence(error: Exception) -> str:
    """What is wrong, in the error's own first line; a surprise is said to be one."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    told = next(iter(str(error).strip().splitlines()), "")
    if told and (type(error) in _WRONG_INPUT or type(error).__module__.startswith("bot.")):
        return told
    return f"unexpected {type(error).__name__}{told and ': '}{told} (--debug shows where)"


# --- the parser ------------------------------------------------------------------------------------------


def _parser() -> Parser:
    parser = Parser(
        prog="elb-passthrough",
        description="Explains, changes and verifies traffic paths to Kubernetes load balancers, in Slack and here.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"elb-passthrough {__version__}")
    parser.add_argument("--debug", action="store_true", help="show where an error comes from")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (_serve, _demo, _explain, _list, _audit, _migrate, _probe, _doctor):
        add(commands)
    return parser


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse has no public name for the type


_DATABASE = (
    "The database is the one that DATABASE_URL names; by default elb-passthrough.sqlite3 in this directory."
)
_SETTINGS = (
    "Settings are read from elb-passthrough.yaml in this directory, or from the file that ELB_PASSTHROUGH_CONFIG names; "
    "secrets from the environment. docs/configuration.md lists them all."
)
_PROBE = (
    "Environment: TARGETS (tcp|http|https://ADDRESS:PORT, separated by commas), CONNECTIONS (to each), "
    "DURATION_SECONDS, TIMEOUT_SECONDS; TERMINATION_LOG (default: /dev/termination-log). The result is JSON."
)


def _command(commands: "_Commands[Parser]", name: str, help_: str, more: str = "") -> Parser:
    parser = commands.add_parser(name, help=help_, description=help_, epilog=more, allow_abbrev=False)
    parser.set_defaults(module=name)
    return parser


def _serve(commands: "_Commands[Parser]") -> None:
    _command(commands, "serve", "Run the bot.", f"{_SETTINGS} {_DATABASE}")


def _demo(commands: "_Commands[Parser]") -> None:
    parser = _command(
        commands, "demo", "Start a simulated cluster, cloud and Slack workspace, and the bot between them."
    )
    parser.add_argument(
        "--port", type=_port, default=None, metavar="N", help="of the page (default: 8080, or any free one)"
    )
    parser.add_argument(
        "--tour", action="store_true", help="play the main job without a browser and print the transcript"
    )


class _Once(argparse.Action):
    """An option with one value: of two, one would be passed over in silence."""

    def __call__(
        self,
        parser: Parser,  # noqa: ARG002  argparse passes it
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002  argparse passes it
    ) -> None:
        """Keep the value, or refuse the second."""
        if getattr(namespace, self.dest) is not None:
            raise argparse.ArgumentError(self, "is given twice")
        setattr(namespace, self.dest, values)


def _explain(commands: "_Commands[Parser]") -> None:
    parser = _command(commands, "explain", "Explain traffic paths from Kubernetes manifests, offline.")
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="YAML or JSON as kubectl prints it; - is standard input"
    )
    parser.add_argument("--service", action=_Once, metavar="NS/NAME", help="this Service only")
    parser.add_argument(
        "--from",
        action=_Once,
        dest="client",
        metavar="CLIENT",
        help="pod:NS/NAME, node:NAME, external or external:IP (default: one of every class of client)",
    )
    parser.add_argument(
        "--to",
        action=_Once,
        dest="destination",
        metavar="ADDRESS:PORT",
        help="(default: every address and port of the load balancer)",
    )
    parser.add_argument(
        "--arrives-at",
        action=_Once,
        metavar="NODE",
        help="the node that the load balancer hands every packet to",
    )
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what would be with this annotation, externalTrafficPolicy or ClusterFacts field (may be repeated)",
    )
    parser.add_argument(
        "--drain",
        action="append",
        default=[],
        metavar="NODE",
        help="what would be without this node's Pods (may be repeated)",
    )
    parser.add_argument(
        "-o", "--output", choices=("text", "json", "mermaid", "svg"), default="text", help="(default: text)"
    )
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning"),
        help="exit 1 when a path or a finding is as bad as that, or worse",
    )


def _list(commands: "_Commands[Parser]") -> None:
    parser = _command(
        commands, "list", "List the LoadBalancer Services of the configured clusters.", _SETTINGS
    )
    parser.add_argument("--cluster", metavar="C", help="of this cluster only")
    parser.add_argument("--namespace", metavar="NS", help="of this namespace only")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="(default: text)")


def _audit(commands: "_Commands[Parser]") -> None:
    parser = _command(
        commands,
        "audit",
        "Export the log of changes, check that its chain is whole, or erase a person from it.",
        _DATABASE,
    )
    actions = parser.add_subparsers(dest="action", metavar="export|verify|erase", required=True)
    actions.add_parser("export", help="JSON lines to standard output", allow_abbrev=False)
    verify = actions.add_parser(
        "verify", help="compute the chain anew, and say where it breaks", allow_abbrev=False
    )
    verify.add_argument(
        "--head", metavar="POSITION:HASH", help="a head that was noted earlier and must still be in the chain"
    )
    verify.add_argument(
        "--retention",
        metavar="400d",
        help="how long events were kept when the oldest were taken away; by default as configured",
    )
    erase = actions.add_parser(
        "erase",
        help="forget who a pseudonym of the log is",
        description="Forget who a pseudonym of the log is. The log's chain stays whole; this cannot be undone.",
        epilog=_DATABASE,
        allow_abbrev=False,
    )
    erase.add_argument("user", metavar="USER", help="a Slack user id, such as U02BOB")


def _migrate(commands: "_Commands[Parser]") -> None:
    _command(commands, "migrate", "Bring the database to the current schema.", _DATABASE)


def _probe(commands: "_Commands[Parser]") -> None:
    _command(commands, "probe", "Open connections as the environment says: what a probe Pod runs.", _PROBE)


def _doctor(commands: "_Commands[Parser]") -> None:
    about = "Check a real installation: Slack, clusters, cloud, database, clock. One line per check, and what to do."
    _command(commands, "doctor", about, _SETTINGS)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:  # noqa: PLR2004 - the largest TCP port
        raise argparse.ArgumentTypeError(f"'{text}' is no port from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
