"""A sketch: who goes the same way shares a row, and every row says where the load balancer is."""

from bot.domain.objects import ServicePort, TrafficPolicy
from bot.domain.sketch import Place, Row, Tone, sketch
from tests.domain.situation import ADDRESS, Situation, cce, usual


def rows(situation: Situation) -> list[Row]:
    """The rows, without headings."""
    return [part for part in sketch(situation.explain()) if isinstance(part, Row)]


def test_who_goes_the_same_way_shares_a_row() -> None:
    """Past the load balancer: all Pods but the endpoint itself, which is masqueraded as they are."""
    found = rows(cce())
    clients = [line for row in found for line in row.boxes[0].lines]
    assert len(clients) > len(found)
    assert len(set(clients)) == len(clients)


def test_every_row_says_whether_it_meets_the_load_balancer() -> None:
    """By a box of its own, in its column."""
    situation = cce(given={"mode": "ipvs"}, external_policy=TrafficPolicy.LOCAL)
    words = set()
    for row in rows(situation):
        (box,) = [box for box in row.boxes if box.place is Place.BALANCER]
        words.add((box.lines[0], box.tone))
    assert words == {
        ("through the load balancer", Tone.THROUGH),
        ("past the load balancer", Tone.PAST),
        ("never gets to the load balancer", Tone.PAST),
    }


def test_the_columns_of_a_row_go_from_left_to_right() -> None:
    """Client, its node, load balancer, picked node, end."""
    order = list(Place)
    for situation in (cce(), cce(through="true"), cce(given={"mode": None, "category": None})):
        for row in rows(situation):
            places = [order.index(box.place) for box in row.boxes]
            assert places == sorted(places)


def test_destinations_on_which_all_fare_the_same_are_drawn_once() -> None:
    """With all their names in the heading."""
    situation = cce(ports=(ServicePort(port=80, node_port=31080), ServicePort(port=81, node_port=31081)))
    headings = [part for part in sketch(situation.explain()) if isinstance(part, str)]
    assert headings == [f"shop/web at {ADDRESS}:80 TCP (private), {ADDRESS}:81 TCP (private)"]


def test_what_is_not_known_does_not_fill_pages() -> None:
    """A few ways of each client, all that end differently among them; the rest is counted."""
    unknown = {"mode": None, "platform": None, "delivery": None, "cidr": None}
    situation = usual(given=unknown, external_policy=TrafficPolicy.LOCAL)
    found = rows(situation)
    assert found[-1].boxes[0].lines[0].endswith("more ways, under other values of what is missing")
    assert {row.boxes[-1].tone for row in found[:-1]} >= {Tone.GOOD, Tone.BAD}
