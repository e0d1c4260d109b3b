from tests.house.diagram import README, between, diagram


def test_the_readme_shows_the_lifecycle_that_the_code_has() -> None:
    """`make pictures` draws it anew."""
    assert between(README.read_text(encoding="utf-8")) == diagram()
