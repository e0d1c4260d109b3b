"""Who may do what: bearer tokens, RBAC rules as a small table, and the reviews answered from it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.demo.seam import Json

ANY = "*"
ANONYMOUS = "system:anonymous"
OPEN_PATHS = frozenset({"/version", "/healthz", "/livez", "/readyz"})  # system:public-info-viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who a token belongs to."""

    name: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One right: verbs on resources, for a user's or a group's name.

    `resources` name subresources as RBAC does (`services/status`, `*/status`); `namespaces` left at "*" is a
    ClusterRoleBinding, anything else a RoleBinding, which never covers cluster-scoped requests.
    """

    subject: str
    verbs: tuple[str, ...]
    resources: tuple[str, ...]
    groups: tuple[str, ...] = (ANY,)
    namespaces: tuple[str, ...] = (ANY,)
    names: tuple[str, ...] = ()

    def allows(self, question: "Question") -> bool:
        """Tell whether this rule grants what is asked, whoever asks."""
        return (
            _covers(self.verbs, question.verb)
            and _covers(self.groups, question.group)
            and self._covers_resource(question)
            and _covers(self.namespaces, question.namespace)
            and (not self.names or question.name in self.names)
        )

    def _covers_resource(self, question: "Question") -> bool:
        if _covers(self.resources, question.resource):
            return True
        return bool(question.subresource) and f"*/{question.subresource}" in self.resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody wants to do; `namespace` is empty for all namespaces and for cluster-scoped objects."""

    verb: str
    group: str
    plural: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def resource(self) -> str:
        """Return the resource as RBAC names it."""
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural

    def refusal(self, user: User) -> str:
        """Return what a real server says when no rule allows it."""
        place = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        return f'User "{user.name}" cannot {self.verb} resource "{self.resource}" in API group "{self.group}" {place}'


def _covers(allowed: Sequence[str], asked: str) -> bool:
    return ANY in allowed or asked in allowed


ADMINISTRATOR = User(name="kubernetes-admin", groups=("system:masters", "system:authenticated"))
ADMINISTRATION = Rule(subject="system:masters", verbs=(ANY,), resources=(ANY,))


class Access:
    """The rule table and the tokens; both may be changed while the server runs.

    `anonymous` is who a request without a token comes from: kubectl sends none to a server without TLS, so a
    demo that wants to be looked at with kubectl names a user here.
    """

    def __init__(self, *, rules: Sequence[Rule], tokens: Mapping[str, User]) -> None:
        self.rules = [ADMINISTRATION, *rules]
        self.tokens = dict(tokens)
        self.anonymous = User(name=ANONYMOUS, groups=("system:unauthenticated",))

    def user(self, header: str | None) -> User | None:
        """Return whose `Authorization` header this is; None for a token that nobody issued."""
        if header is None:
            return self.anonymous
        scheme, _, token = header.partition(" ")
        return self.tokens.get(token.strip()) if scheme.lower() == "bearer" else None

    def acting(self, user: User, name: str | None, groups: Sequence[str]) -> User | None:
        """Return whom a user impersonates (`Impersonate-User`); None where only administrators may."""
        if name is None:
            return user
        if not any(rule is ADMINISTRATION for rule in self.of(user)):
            return None
        return User(name=name, groups=(*groups, "system:authenticated"))

    def of(self, user: User) -> Iterator[Rule]:
        """Yield the rules that name a user or one of the user's groups."""
        names = {user.name, *user.groups}
        return (rule for rule in self.rules if rule.subject in names)

    def allows(self, user: User, question: Question) -> bool:
        """Tell whether a rule grants what is asked."""
        return any(rule.allows(question) for rule in self.of(user))

    def allows_path(self, user: User, path: str) -> bool:
        """Tell whether a path without a resource, such as /version, may be read."""
        if user.name == ANONYMOUS:
            return path.rstrip("/") in OPEN_PATHS
        return path.startswith(("/api", "/openapi", "/version", "/healthz", "/livez", "/readyz")) or any(
            rule is ADMINISTRATION for rule in self.of(user)
        )

    def decide(self, user: User, spec: Json) -> Json:
        """Return the status of an access review's spec."""
        if path := spec.get("nonResourceAttributes", {}).get("path"):
            allowed = self.allows_path(user, path)
        else:
            allowed = self.allows(user, _question(spec.get("resourceAttributes", {})))
        return {"allowed": allowed, "reason": "RBAC: allowed by a rule"} if allowed else {"allowed": False}

    def rules_review(self, user: User, namespace: str) -> Json:
        """Return the status of a SelfSubjectRulesReview."""
        rules = [rule for rule in self.of(user) if _covers(rule.namespaces, namespace)]
        described = [
            {"verbs": list(rule.verbs), "apiGroups": list(rule.groups), "resources": list(rule.resources)}
            | ({"resourceNames": list(rule.names)} if rule.names else {})
            for rule in rules
        ]
        paths = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/readyz", "/version"]
        return {
            "resourceRules": described,
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": paths}],
            "incomplete": False,
        }


def _question(attributes: Mapping[str, Any]) -> Question:
    return Question(
        verb=attributes.get("verb", ""),
        group=attributes.get("group", ""),
        plural=attributes.get("resource", ""),
        subresource=attributes.get("subresource", ""),
        namespace=attributes.get("namespace", ""),
        name=attributes.get("name", ""),
    )
