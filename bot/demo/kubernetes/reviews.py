"""Access reviews: who am I, may I, may somebody, what may I."""

from collections.abc import Mapping
from typing import Any

from bot.demo.kubernetes.access import Access, Question, User
from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.status import Cause, bad_request, forbidden, invalid_object
from bot.demo.seam import Json


def _review(
    plural: str, kind: str, group: str = "authorization.k8s.io", *, namespaced: bool = False
) -> Resource:
    return Resource(group=group, version="v1", plural=plural, kind=kind, namespaced=namespaced)


REVIEWS: Mapping[str, Resource] = {
    f"/apis/{review.group}/v1/{review.plural}": review
    for review in (
        _review("selfsubjectaccessreviews", "SelfSubjectAccessReview"),
        _review("subjectaccessreviews", "SubjectAccessReview"),
        _review("selfsubjectrulesreviews", "SelfSubjectRulesReview"),
        _review("selfsubjectreviews", "SelfSubjectReview", "authentication.k8s.io"),
    )
}


def answered(review: Resource, body: Any, user: User, access: Access) -> Json:
    """Return a review with its status; raises the 403 and 422 of a real server."""
    if not isinstance(body, dict) or body.get("kind", review.kind) != review.kind:
        raise bad_request(f"the object provided is unrecognized (must be of type {review.kind})")
    spec = body.get("spec") or {}
    if review.kind == "SelfSubjectReview":
        status: Json = {"userInfo": {"username": user.name, "groups": list(user.groups)}}
    elif review.kind == "SelfSubjectRulesReview":
        if not spec.get("namespace"):
            raise bad_request("no namespace on request")
        status = access.rules_review(user, spec["namespace"])
    else:
        status = access.decide(_subject(review, spec, user, access), _one_question(review, spec))
    head = {"kind": review.kind, "apiVersion": review.api_version}
    return head | {"metadata": {"creationTimestamp": None}, "spec": spec, "status": status}


def _one_question(review: Resource, spec: Json) -> Json:
    if bool(spec.get("resourceAttributes")) == bool(spec.get("nonResourceAttributes")):
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise invalid_object(review, "", [Cause.invalid("spec.resourceAttributes", "null", why)])
    return spec


def _subject(review: Resource, spec: Json, user: User, access: Access) -> User:
    """Return whom a review is about; asking about others is a right of its own."""
    if review.kind == "SelfSubjectAccessReview":
        return user
    question = Question(verb="create", group=review.group, plural=review.plural)
    if not access.allows(user, question):
        raise forbidden(review, None, question.refusal(user))
    if not spec.get("user") and not spec.get("groups"):
        why = "at least one of user or group must be specified"
        raise invalid_object(review, "", [Cause.invalid("spec.user", "", why)])
    return User(name=spec.get("user", ""), groups=tuple(spec.get("groups", ())))
