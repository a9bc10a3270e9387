"""Statements kept as text: what was built for one reader and day, written out for another, is what would be built for them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.metrics.build import BOSS, Actor, Session, World

from salesops.metrics import texts
from salesops.metrics.build import Builder
from salesops.metrics.catalogue import every
from salesops.metrics.query import query
from salesops.metrics.request import understand


def _names() -> list[str]:
    """Metrics of which every fact is part of one."""
    found, ahead = (
        [],
        {
            name: {part.fact for part in variant.parts.values()}
            for name, variant in ((one.name, one.variant) for one in every())
        },
    )
    while any(ahead.values()):
        name = max(ahead, key=lambda one: len(ahead[one]))
        found.append(name)
        ahead = {other: facts - ahead[name] for other, facts in ahead.items()}
    return [*found, "quota_attainment"]


FIRST: dict[str, Any] = {"period": "2024-Q1", "as_of": "2024-02-10"}
THEN: dict[str, Any] = {"period": "2024-Q2", "as_of": "2024-06-20"}
MONTHS: list[dict[str, Any]] = [
    {"period": "month", "from_": "2023-11-01", "to": "2024-01-31", "as_of": "2024-03-01"},
    {"period": "month", "from_": "2014-11-01", "to": "2015-01-31"},  # before the calendar table begins, too
]


@pytest.fixture(scope="module")
def session() -> Session:
    """Ann and Bob sell, Eve leads Ann; quotas and deals in two currencies."""
    w = World(today="2024-06-30")
    w.people("Ann", "Bob", "Eve")
    w.manages("Eve", "Ann")
    w.rate("EUR", "2023-01-01", "2")
    for who, currency in (("Ann", "EUR"), ("Bob", "USD")):
        w.quota(who, "2024-01-01", "2024-03-31", 100, currency=currency)
        w.deal(f"won of {who}", "2024-01-02", owner=who, amount=30, currency=currency).won("2024-02-01")
        w.deal(f"open of {who}", "2024-01-02", owner=who, amount=70, currency=currency, expected_close="2024-05-01")
    return w.session()


@pytest.fixture
def readers(session: Session) -> list[Actor]:
    """Who sees all, the leader of one, a rep, nobody's person."""
    ids = {row["name"]: row["id"] for row in session.query("SELECT DISTINCT id, name FROM person").to_pylist()}
    return [BOSS, Actor("Eve", ids["Eve"], False), Actor("Bob", ids["Bob"], False), Actor("guest", None, False)]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> texts.Texts:
    """The texts that are kept: none yet."""
    kept = texts.Texts()
    monkeypatch.setattr("salesops.metrics.build.texts", kept)
    return kept


def _text(builder: Builder) -> str:
    own = any(one.variant.own_currency for one in builder.request.asked)
    return builder.text("metrics", Builder.body, own=own, windows=True)


@pytest.mark.parametrize("name", _names())
def test_kept_text_is_what_would_be_built(
    session: Session, readers: list[Actor], fresh: texts.Texts, name: str
) -> None:
    """Of every metric: a second day, period and reader write their own into the text that the first left."""
    boss, eve, bob, _ = readers
    for first, then in (
        ((boss, FIRST), (boss, THEN)),
        ((eve, FIRST), (bob, THEN)),
        ((boss, MONTHS[0]), (boss, MONTHS[1])),
    ):
        kept, builder = (
            Builder(session, actor, understand(session, [name], **asked)) for actor, asked in (first, then)
        )
        _text(kept)
        assert _text(builder) == builder.statement().sql("duckdb")


def test_what_is_filtered_split_and_quoted_is_told_apart(session: Session, fresh: texts.Texts) -> None:
    """A filter is part of the text, and a dollar in it stays one."""
    for asked in (
        {"where": "region = '$as_of'"}, {"where": "region = 'it''s $me'"}, {"where": {"owner": "Ann"}}, {"by": "team"}, {"by": "owner"},
        {"currency": "EUR"}, {"where": "owner = 'Bob'"},
    ):  # fmt: skip
        for when in (FIRST, THEN):
            builder = Builder(session, BOSS, understand(session, "bookings,open_pipeline", **when, **asked))
            assert _text(builder) == builder.statement().sql("duckdb")


def test_nobody_gets_the_answer_of_another(session: Session, readers: list[Actor], fresh: texts.Texts) -> None:
    """Whoever asks first, everybody's answer is their own: Eve sees Ann's deals, Bob his own, the guest none."""
    wanted = {"owner": (2, 90), "Eve": (1, 60), "Bob": (1, 30), "guest": (0, 0)}
    for order in (readers, readers[::-1]):
        for actor in order:
            row = query(session, actor, "won_deals,bookings", period="2024-Q1").to_pylist()[0]
            assert (row["won_deals"], row["bookings"]) == wanted[actor.username]
            hidden = query(session, actor, "won_deals", period="2024-Q1").hidden
            assert hidden == 2 - wanted[actor.username][0]


def test_a_text_is_built_once(session: Session, readers: list[Actor], fresh: texts.Texts) -> None:
    """Eve and Bob, two days, two periods: one text, and one for the number of what is hidden."""
    _, eve, bob, _ = readers
    for actor in (eve, bob):
        for asked in (FIRST, THEN):
            query(session, actor, "bookings", **asked)
    assert len(fresh._held) == 2
