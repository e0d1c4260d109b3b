import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.change import ServiceRef
from bot.domain.objects import Service
from bot.domain.words import CLOSE, OPEN
from bot.operations.refusal import Refused
from bot.operations.resolve import named_cluster, resolve
from tests.fakes.cluster import MemoryClusters
from tests.fakes.world import service, shop

CLUSTERS = MemoryClusters(shop("prod"), shop("test"))
CLUSTERS.get("prod").put(service("prod", "checkout", ip="10.9.0.40", elb="elb-40"))
words = st.sampled_from(["prod", "test", "shop", "checkout", "chekout", "PROD", "", " ", "…", OPEN, CLOSE])


def everything(cluster: str, namespace: str) -> bool:
    """Somebody who may look at all of it."""
    del cluster, namespace
    return True


def nothing(cluster: str, namespace: str) -> bool:
    """Somebody who may look at nothing."""
    del cluster, namespace
    return False


@given(st.text() | st.lists(words, max_size=5).map("/".join))
def test_whatever_is_typed_is_a_service_or_a_sentence(text: str) -> None:
    """No other end, and no sentence that could name somebody."""
    said, ref, found = attempt(text)
    assert OPEN not in said
    assert CLOSE not in said
    assert bool(said) == (found is None)
    if ref is not None and found is not None:
        assert found.is_load_balancer
        assert ref.name in text


def attempt(text: str) -> tuple[str, ServiceRef | None, Service | None]:
    """The sentence, or the Service."""
    try:
        return "", *resolve(text, CLUSTERS, everything)
    except Refused as refused:
        return str(refused), None, None


@given(st.text() | st.lists(words, max_size=4).map("/".join))
def test_who_may_look_at_nothing_finds_nothing(text: str) -> None:
    """Not even in the names that are offered."""
    with pytest.raises(Refused) as refused:
        resolve(text, CLUSTERS, nothing)
    assert "Did you mean shop" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("prod/shop/checkout", "prod/shop/checkout"),
        ("test/checkout", "test/shop/checkout"),
        ("test/shop/checkout", "test/shop/checkout"),
    ],
)
def test_the_first_word_is_a_cluster_if_one_is_called_so(text: str, full: str) -> None:
    """CLUSTER/NAMESPACE/SERVICE, and CLUSTER/SERVICE where that is one."""
    ref, _ = resolve(text, CLUSTERS, everything)
    assert f"{ref.cluster}/{ref}" == full


def test_the_only_cluster_s_name_is_a_namespace_s() -> None:
    """`a/b` is NAMESPACE/SERVICE where there is but one cluster."""
    alone = MemoryClusters(shop("shop"))
    ref, _ = resolve("shop/checkout", alone, everything)
    assert (ref.namespace, ref.name) == ("shop", "checkout")


@given(st.text())
def test_a_list_s_target_is_a_cluster_or_a_namespace(text: str) -> None:
    """Nothing is lost on the way."""
    cluster, rest = named_cluster(text, CLUSTERS)
    assert rest == text if cluster is None else text in {cluster, f"{cluster}/{rest}"}
