from __future__ import annotations

import datetime

import pytest

from uptake.models.prices import PRICES, PRICES_DATE, Price, PriceError, parse_price, price_of
from uptake.models.providers import PROVIDERS


def test_the_table_is_dated_and_names_providers_that_exist():
    assert datetime.date.fromisoformat(PRICES_DATE)
    assert {model.partition("/")[0] for model in PRICES} <= set(PROVIDERS)
    assert all(0 < price.prompt <= price.completion for price in PRICES.values())


def test_cost_is_dollars_per_million_tokens():
    assert Price(0.15, 0.60).cost(2_000_000, 500_000) == pytest.approx(0.30 + 0.30)


def test_a_snapshot_costs_what_its_model_costs_unless_it_is_listed():
    assert price_of("openai/gpt-4o-mini-2024-07-18") == PRICES["openai/gpt-4o-mini"]
    assert price_of("anthropic/claude-haiku-4-5-20251001") == PRICES["anthropic/claude-haiku-4-5"]
    assert price_of("openai/gpt-4o-2024-05-13") == Price(5.0, 15.0)
    assert price_of("openai/gpt-4o-mystery") is None


@pytest.mark.parametrize("text", ["0.15,0.60", "0.15/0.60", " 0.15, 0.6 "])
def test_a_price_is_read(text):
    assert parse_price(text) == Price(0.15, 0.60)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "-1,2", "nan,1", "1,inf"])
def test_a_bad_price_is_one_line_with_an_example(text):
    with pytest.raises(PriceError, match=r"for example 0.15,0.60"):
        parse_price(text)
