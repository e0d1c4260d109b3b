"""Users, tokens and the rule table of the simulated API."""

import pytest

from bot.demo.kubernetes import ApiServer, Rule, User
from tests.demo.kubernetes.wire import Api

BOT = {"Authorization": "Bearer bot-token"}
RULES = (
    Rule(subject="bot", verbs=("get", "list", "watch"), resources=("services", "pods"), groups=("",)),
    Rule(subject="bot", verbs=("patch",), resources=("services",), groups=("",), namespaces=("shop",)),
    Rule(subject="readers", verbs=("get",), resources=("*/status",), names=("web",)),
)


@pytest.fixture(autouse=True)
def _rules(server: ApiServer) -> None:
    server.access.rules += RULES
    server.access.tokens["bot-token"] = User(name="bot", groups=("readers",))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/services", 200),
        ("GET", "/api/v1/namespaces/shop/services/none", 404),
        ("GET", "/api/v1/nodes", 403),
        ("PATCH", "/api/v1/namespaces/shop/services/none", 404),
        ("PATCH", "/api/v1/namespaces/default/services/none", 403),
        ("DELETE", "/api/v1/namespaces/shop/services/none", 403),
        ("GET", "/api/v1/namespaces/shop/services/web/status", 404),
        ("GET", "/api/v1/namespaces/shop/services/other/status", 403),
        ("GET", "/apis/apps/v1/deployments", 403),
        ("GET", "/apis", 200),
        ("GET", "/logs", 403),
    ],
)
async def test_a_user_may_what_a_rule_says(simulated: Api, method: str, path: str, status: int) -> None:
    """Verbs, groups, resources, subresources, namespaces and names all count."""
    answer = await simulated.call(method, path, {}, kind="application/merge-patch+json", headers=BOT)
    assert answer.status == status, answer.body


async def test_reviews_agree_with_what_is_enforced(simulated: Api) -> None:
    """An access review answers from the table that requests are checked against."""

    async def may(**attributes: str) -> bool:
        body = {"spec": {"resourceAttributes": attributes}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        answer = await simulated.call("POST", path, body, headers=BOT)
        return bool(answer.body["status"]["allowed"])

    assert await may(verb="patch", resource="services", namespace="shop")
    assert not await may(verb="patch", resource="services", namespace="default")
    assert not await may(verb="patch", resource="services")
    assert await may(verb="get", resource="services", subresource="status", name="web")
    assert not await may(verb="get", resource="deployments", group="apps")


async def test_a_rules_review_lists_the_rules_of_a_namespace(simulated: Api) -> None:
    """Rules of other namespaces are not listed."""
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    answer = await simulated.call("POST", path, {"spec": {"namespace": "default"}}, headers=BOT)
    verbs = [rule["verbs"] for rule in answer.body["status"]["resourceRules"]]
    assert verbs == [["get", "list", "watch"], ["get"]]


async def test_a_review_asks_one_question(simulated: Api) -> None:
    """A review without attributes answers 422."""
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    assert (await simulated.call("POST", path, {"spec": {}})).status == 422
    nonresource = {"spec": {"nonResourceAttributes": {"path": "/version", "verb": "get"}}}
    assert (await simulated.call("POST", path, nonresource)).body["status"]["allowed"] is True


async def test_who_am_i(simulated: Api) -> None:
    """A self review names user and groups."""
    answer = await simulated.call(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, headers=BOT
    )
    assert answer.body["status"]["userInfo"] == {"username": "bot", "groups": ["readers"]}


async def test_only_administrators_act_as_others(simulated: Api) -> None:
    """Impersonation is a right, too."""
    answer = await simulated.call(
        "GET", "/api/v1/services", headers={**BOT, "Impersonate-User": "kubernetes-admin"}
    )
    assert answer.status == 403
    assert 'cannot impersonate resource "users"' in answer.body["message"]


async def test_nobody_is_anonymous_and_sees_only_the_version(server: ApiServer, simulated: Api) -> None:
    """Without a token one is system:anonymous; a demo may give that a face."""
    del simulated.session.headers["Authorization"]
    assert (await simulated.call("GET", "/version")).status == 200
    refused = await simulated.call("GET", "/api/v1/services")
    assert refused.status == 403
    assert 'User "system:anonymous" cannot list resource "services"' in refused.body["message"]
    server.access.anonymous = User(name="bot")
    assert (await simulated.call("GET", "/api/v1/services")).status == 200


async def test_every_request_is_remembered(server: ApiServer, simulated: Api) -> None:
    """The log has verb, resource, user, agent and status of each request."""
    await simulated.call("GET", "/api/v1/services?limit=5", headers=BOT)
    (seen,) = server.requests.of("list", "services")
    assert (seen.user, seen.status, seen.query, seen.agent) == ("bot", 200, "limit=5", "contract/1.0")
