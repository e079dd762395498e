"""Exports of either vendor are read to the last token and nano-USD; what is none says in which line."""

from __future__ import annotations

import pytest
from gateway_meter_ledger.invoice import Bucket, plain, read_invoice

from gateway import BadCall

OPENAI_USAGE = """\
start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,user_id,api_key_id,model,batch,\
service_tier,input_tokens,output_tokens,input_cached_tokens,input_uncached_tokens
1762041600,1762128000,2025-11-02T00:00:00+00:00,2025-11-03T00:00:00+00:00,,2,,,gpt-4o-2024-08-06,,,110,50,10,100
1762041600,1762128000,2025-11-02T00:00:00+00:00,2025-11-03T00:00:00+00:00,,1,,,gpt-4o,,,1,2,0,1
1762128000,1762214400,2025-11-03T00:00:00+00:00,2025-11-04T00:00:00+00:00,,,,,,,,,,,
"""
OPENAI_COSTS = """\
start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,organization_id
1762041600,1762128000,2025-11-02T00:00:00+00:00,,0.000250000000000000000000,usd,"gpt-4o-2024-08-06, input",,org
1762041600,1762128000,2025-11-02T00:00:00+00:00,,0.0000000005,usd,"gpt-4o-2024-08-06, cached input",,org
1762041600,1762128000,2025-11-02T00:00:00+00:00,,0.0000000005,usd,"gpt-4o-2024-08-06, output",,org
1762128000,1762214400,2025-11-03T00:00:00+00:00,,,,,,
"""
ANTHROPIC_USAGE = """\
\ufeffusage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,\
usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,\
web_search_count,inference_geo,speed
2025-11-02,claude-opus-4-5-20251101,one,Default,standard,≤ 200k,10,20,30,40,50,0,global,
2025-11-02,claude-opus-4-5-20251101,two,"Them, and us",standard,≤ 200k,1,2,3,4,5,0,global,
"""
ANTHROPIC_COSTS = """\
usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,speed
2025-11-02,Claude Opus 4.5,Default,one,message,≤ 200k,input_no_cache,"1,000.50",1000.50,token,
2025-11-02,Claude Opus 4.5,Default,one,message,≤ 200k,output,0.25,0.25,token,
2025-11-02,,Default,one,message,,,0.01,0.01,web_search,
"""
DAY = "2025-11-02"


def test_openai_counts_what_was_cached_within_the_input_and_dated_names_are_one_model() -> None:
    read = read_invoice(OPENAI_USAGE)
    assert (read.kind, read.days) == ("OpenAI's usage", (DAY, "2025-11-03"))
    assert read.figures == {
        Bucket(DAY, "gpt-4o"): {"input": 101, "cache_read": 10, "cache_write": 0, "output": 52},
    }


def test_openais_costs_are_summed_exactly_and_rounded_once() -> None:
    read = read_invoice(OPENAI_COSTS)
    assert (read.kind, read.measures) == ("OpenAI's costs", ("cost",))
    assert read.figures == {Bucket(DAY, "gpt-4o"): {"cost": 250_001}}


def test_anthropics_writes_to_the_cache_of_either_time_are_one_figure() -> None:
    read = read_invoice(ANTHROPIC_USAGE)
    assert read.figures == {
        Bucket(DAY, "claude-opus-4-5"): {"input": 11, "cache_read": 44, "cache_write": 55, "output": 55}
    }
    assert read.names == {"claude-opus-4-5": "claude-opus-4-5-20251101"}


def test_anthropics_costs_have_names_for_people_and_costs_of_tools() -> None:
    read = read_invoice(ANTHROPIC_COSTS)
    assert read.figures == {
        Bucket(DAY, "claude-opus-4-5"): {"cost": 1_000_750_000_000},
        Bucket(DAY, "web-search"): {"cost": 10_000_000},
    }


@pytest.mark.parametrize(
    ("name", "is_"),
    [
        ("Claude 3.5 Sonnet 2024-10-22", "claude-3-5-sonnet"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("gpt-4.1-2025-04-14", "gpt-4-1"),
        ("o1", "o1"),
    ],
)
def test_a_model_has_one_name(name: str, is_: str) -> None:
    assert plain(name) == is_


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "none of the exports"),
        ("a,b\n1,2\n", "OpenAI's usage: input_tokens, model, output_tokens, start_time"),
        ("usage_date_utc,model,cost_usd\n", "no rows under its header"),
        ("usage_date_utc,model,cost_usd\n2025-11-02,m,1\n2025-13-02,m,1\n", "Line 3 is no row of Anthropic's costs"),
        ("usage_date_utc,model,cost_usd\n2025-11-02,m,much\n", "Line 2 .* cost_usd is 'much', which is no number"),
        ("usage_date_utc,model,cost_usd\n2025-11-02,m,1e999999\n", "Line 2 .* is no number"),
        ("usage_date_utc,model,cost_usd\n2025-11-02\n", "Line 2 has not as many columns"),
        ("start_time,model,input_tokens,output_tokens\n1762041600,,5,6\n", "Line 2 names no model"),
        (OPENAI_COSTS.replace(",usd,", ",eur,"), "amount_currency is 'eur'; only USD"),
    ],
)
def test_what_is_none_says_what_is_wrong_and_where(text: str, why: str) -> None:
    with pytest.raises(BadCall, match=why):
        read_invoice(text)
