"""Words of other systems and languages become ours."""

from __future__ import annotations

import pytest

from salesops.records.entities import entities
from salesops.sources.words import (
    _SYNONYMS,
    is_pitch,
    is_qualified,
    normal_word,
    object_name,
    stage_kind,
    stage_kinds,
    synonyms,
    truthy,
)  # fmt: skip


@pytest.mark.parametrize(
    ("entity", "field", "text", "word"),
    [
        ("opportunity", "type", "New Business", "new"),
        ("opportunity", "type", "new_customer", "new"),
        ("opportunity", "type", "newbusiness", "new"),
        ("opportunity", "type", "Existing Business", "expansion"),
        ("opportunity", "type", "Existing Customer - Upgrade", "expansion"),
        ("opportunity", "type", "Renewal", "renewal"),
        ("opportunity", "type", "Neukunde", "new"),
        ("opportunity", "category", "BestCase", "best_case"),
        ("opportunity", "category", "MOST_LIKELY", "best_case"),
        ("opportunity", "category", "Forecast", "commit"),
        ("activity", "kind", "Call", "call"),
        ("activity", "kind", "EMAIL", "email_out"),
        ("activity", "kind", "INCOMING_EMAIL", "email_in"),
        ("activity", "kind", "Meeting", "meeting"),
        ("activity", "status", "Not Started", "booked"),
        ("activity", "status", "NO_SHOW", "no_show"),
        ("account", "type", "Customer - Direct", "customer"),
        ("stage", "kind", "Wygrana", "won"),
        ("stage", "kind", "active", "open"),
        ("opportunity", "type", "Something else", None),
    ],
)
def test_a_text_becomes_the_word_it_means(entity: str, field: str, text: str, word: str | None) -> None:
    assert normal_word(entity, field, text) == word


def test_every_synonym_leads_to_a_word_of_its_list_and_to_one_only() -> None:
    for (entity, field), words in _SYNONYMS.items():
        known = entities()[entity].by_name[field].words
        assert set(words) <= set(known)
        texts = [text for listed in words.values() for text in listed.split("|")]
        assert len(texts) == len(set(texts)), (entity, field)
        assert all(text == text.lower() for text in synonyms(entity, field))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Closed Won", "won"), ("closedwon", "won"), ("ClosedLost", "lost"), ("Gewonnen", "won"), ("Verloren", "lost"),
        ("Wygrana", "won"), ("Przegrana", "lost"), ("Gagnée", "won"), ("Perdue", "lost"), ("Ganado", "won"), ("受注", "won"),
        ("失注", "lost"), ("성사", "won"), ("실패", "lost"), ("Не выиграна", "won"), ("Negotiation/Review", "open"),
        ("Won't buy", "lost"), ("Win back", "open"), ("Contract sent", "open"), ("Unqualified", "lost"), ("No decision", "lost"),
    ],
)  # fmt: skip
def test_stage_names_tell_how_a_deal_ended(name: str, kind: str) -> None:
    assert stage_kind(name) == kind


def test_the_flags_of_a_source_beat_the_name() -> None:
    assert stage_kind("Done", is_closed=True, is_won=True) == "won"
    assert stage_kind("Done", is_closed=True, is_won=False) == "lost"
    assert stage_kind("Won", is_closed=False, is_won=False) == "open"


def test_closed_beside_lost_is_won() -> None:
    assert stage_kinds(["New", "Closed", "Lost"]) == {"New": "open", "Closed": "won", "Lost": "lost"}
    assert stage_kinds(["New", "Closed", "Won", "Lost"])["Closed"] == "open"


def test_pitches_and_qualified_stages() -> None:
    assert all(is_pitch(name) for name in ("Proposal/Price Quote", "Demo", "Präsentation", "提案"))
    assert not any(is_pitch(name) for name in ("Value Proposition", "Negotiation"))
    assert all(is_qualified(name) for name in ("Qualified To Buy", "SQL", "Zakwalifikowana"))
    assert not any(is_qualified(name) for name in ("Unqualified", "Qualification"))


def test_truthy_words() -> None:
    assert all(truthy(t) for t in ("true", "TRUE", "1", "Yes", "tak"))
    assert not any(truthy(t) for t in ("false", "0", "", None, "maybe"))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Opportunity.csv", "opportunity"), ("Opportunity_2024-05-22.csv", "opportunity"),
        ("sf_opportunity_history_data.csv", "opportunityhistory"), ("OpportunityFieldHistory.csv", "opportunityfieldhistory"),
        ("sf_product_2_data.csv", "product2"), ("Product2.csv", "product2"), ("deals-12345-67.csv", "deals"),
        ("hubspot-crm-exports-all-deals-2024-01-31-1.csv", "deals"), ("close_opportunities.jsonl", "opportunities"),
        ("deal_pipeline_stage_data.csv.gz", "dealpipelinestage"),
    ],
)  # fmt: skip
def test_a_file_name_says_what_the_file_holds(file: str, name: str) -> None:
    assert object_name(file) == name
