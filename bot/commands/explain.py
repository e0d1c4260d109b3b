"""`explain`: traffic paths from Kubernetes manifests, offline."""

import argparse
import ipaddress
import json
import sys
from dataclasses import replace

from bot.adapters.manifests import Manifests, Unreadable, read
from bot.adapters.objects.cluster_facts import fields, from_text, is_field, with_field
from bot.domain.cluster_facts import ClusterFacts
from bot.domain.explanation import ClientKind, Severity, Verdict, document
from bot.domain.near import nearest
from bot.domain.objects import Ref, host_name
from bot.domain.path import ClientAsked, Target
from bot.domain.words import visible
from bot.operations.explain import POLICY, Answer, Change, Wish, answers

_BAD_NEWS = 1
_PORTS = 65535
_NONE = "there is no Service of type LoadBalancer in the input"


def run(args: argparse.Namespace) -> int:
    """Explain the files' Services; return the exit status.

    Raises:
        ValueError: The input or an option is wrong; one sentence says which and where.
        LookupError: What is asked about is not there.
    """
    wish = _wish(args)
    manifests = read(args.files)
    wish = replace(wish, facts=_facts(manifests, args.settings))
    found = answers(manifests.inventory.snapshot(manifests.facts), wish)
    if not found:
        nothing = "the input is empty" if not manifests.objects else _NONE
        print(f"elb-passthrough: {nothing}", file=sys.stderr)
    _show(found, args.output)
    return _status(found, args.fail_on)


def _show(found: list[Answer], output: str) -> None:
    match output:
        case "json":
            body = document(each.as_json() for each in found)
            plain = json.dumps(body, indent=2, ensure_ascii=False)
            print(plain if _writable(plain) else json.dumps(body, indent=2))
        case "mermaid":
            from bot.commands.explain_mermaid import mermaid  # noqa: PLC0415  only who asks for it pays

            print(_shown(mermaid(found)), end="")
        case "svg":
            from bot.commands.explain_svg import svg  # noqa: PLC0415  only who asks for it pays

            print(_shown(svg(found)), end="")
        case _:
            from bot.commands.explain_text import text  # noqa: PLC0415  only who asks for it pays

            print(_shown(text(found)), end="")


def _writable(text: str) -> bool:
    """Whether standard output can write every letter."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _shown(text: str) -> str:
    """Give the text as standard output can take it: an escape for every letter that it cannot write."""
    text = visible(text)
    if _writable(text):
        return text
    coding = sys.stdout.encoding or "ascii"
    return text.encode(coding, "backslashreplace").decode(coding)


def _status(found: list[Answer], fail_on: str | None) -> int:
    if fail_on is None:
        return 0
    verdicts = {path.verdict for each in found for path in each.explanation.paths}
    severities = {finding.severity for each in found for finding in each.explanation.findings}
    bad = bool(Verdict.UNREACHABLE in verdicts or Severity.ERROR in severities)
    if fail_on == "warning":
        bad = bad or bool(
            verdicts & {Verdict.AMBIGUOUS, Verdict.UNDETERMINED} or Severity.WARNING in severities
        )
    return _BAD_NEWS if bad else 0


# --- options ---------------------------------------------------------------------------------------------


def _wish(args: argparse.Namespace) -> Wish:
    return Wish(
        service=None if args.service is None else _service(args.service),
        client=None if args.client is None else _client(args.client),
        target=None if args.destination is None else _target(args.destination),
        arrives_at=args.arrives_at,
        changes=tuple(change for each in args.settings if (change := _change(each)) is not None),
        drained=tuple(args.drain),
        supposed=(*(f"--set {each}" for each in args.settings), *(f"--drain {each}" for each in args.drain)),
    )


def _service(text: str) -> Ref:
    namespace, slash, name = text.rpartition("/")
    if not name or "/" in namespace or (slash and not namespace):
        raise Unreadable(f"--service {text or '(empty)'}: a Service is named NS/NAME")
    return Ref(namespace or "default", name)


def _client(text: str) -> ClientAsked:
    kind, colon, name = text.partition(":")
    if kind == "pod":
        namespace, _, pod = name.partition("/")
        if namespace and pod and "/" not in pod:
            return ClientAsked(kind=ClientKind.POD, namespace=namespace, name=pod)
    elif kind == "node" and name:
        return ClientAsked(kind=ClientKind.NODE, name=name)
    elif kind == "external" and (name or not colon):
        return ClientAsked(kind=ClientKind.EXTERNAL, name=_address(text, name) if name else "")
    raise Unreadable(
        f"--from {text or '(empty)'}: a client is pod:NS/NAME, node:NAME, external or external:IP"
    )


def _address(option: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        raise Unreadable(f"--from {option}: {text} is no IP address") from None


def _target(text: str) -> Target:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= _PORTS:
        raise Unreadable(f"--to {text or '(empty)'}: a destination is ADDRESS:PORT, for IPv6 [ADDRESS]:PORT")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise Unreadable(f"--to {text}: an IPv6 address stands in brackets, [ADDRESS]:PORT")
    bare = host.strip("[]")
    try:
        return Target(host=str(ipaddress.ip_address(bare)), port=int(port))
    except ValueError:
        return Target(host=host_name(bare), port=int(port))


def _change(text: str) -> Change | None:
    """Read `KEY=VALUE`, or `KEY-` to remove an annotation; None for a field of ClusterFacts."""
    key, equals, value = text.partition("=")
    if not equals and text.endswith("-") and "/" in text:
        return Change(key=text[:-1], value=None)
    if not equals or not key:
        raise Unreadable(f"--set {text}: it reads KEY=VALUE, or KEY- to remove an annotation")
    if key == POLICY or "/" in key:
        return Change(key=key, value=value)
    if not is_field(key):
        raise Unreadable(_unknown_key(text, key))
    return None


def _unknown_key(text: str, key: str) -> str:
    """Say what may be set; `elb.class` is how people call `kubernetes.io/elb.class`, `kubeProxyMode` `kubeProxy.mode`."""
    known = (POLICY, *fields())
    plain = {
        word.replace(".", "").lower(): name for name in known for word in (name, name.rpartition(".")[2])
    }
    if key.startswith("elb."):
        meant = [f"kubernetes.io/{key}"]
    else:
        meant = [plain[near] for near in nearest(key.replace(".", "").lower(), plain, 1)]
    hint = (
        f"did you mean {meant[0]}?" if meant else f"it may be an annotation (NAME/NAME), {', '.join(known)}"
    )
    return f"--set {text}: {key} is nothing that can be set; {hint}"


def _facts(manifests: Manifests, settings: list[str]) -> ClusterFacts | None:
    """Apply the settings of facts: one that was unknown is supplied, one that was known is supposed otherwise.

    Returns:
        The facts as they are supposed to be; None where only what was unknown is supplied.
    """
    before = after = manifests.facts
    for text in settings:
        key, _, given = text.partition("=")
        if is_field(key):
            value = from_text(key, given)
            after = with_field(after, key, value, where="--set", ref=f"--set {text}")
            if not _known(manifests.facts, key):
                before = with_field(before, key, value, where="--set", ref=f"--set {text}")
    manifests.facts = before
    return None if after == before else after


def _known(facts: ClusterFacts, key: str) -> bool:
    return any(fact.name == key and fact.known for fact in facts.known())
