"""Events of Responses upstreams, and blocks of what is read of them."""

from __future__ import annotations

import json

import msgspec

from gateway import BlockDelta, BlockStart, BlockStop, ToolCall

USAGE = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


def event(type, **members):
    return f"data: {json.dumps({'type': type, **members})}\n\n".encode()


def created():
    return event("response.created", response={"id": "resp_1", "model": "gpt", "created_at": 7.0})


def ended(*output, status="completed", **members):
    response = {"id": "resp_1", "model": "gpt", "status": status, "output": list(output), "usage": USAGE} | members
    return event("response.completed" if status == "completed" else "response.incomplete", response=response)


def blocks(events):
    """Each block as [its start, all its text], and whether it was stopped. Names of calls' items are left out."""
    found = {}
    for one in events:
        if isinstance(one, BlockStart):
            assert one.index == len(found)
            found[one.index] = [one.block, "", False]
        elif isinstance(one, BlockDelta):
            assert not found[one.index][2]
            found[one.index][1] += one.text
        elif isinstance(one, BlockStop):
            assert not found[one.index][2]
            found[one.index][2] = True
    assert all(stopped for _, _, stopped in found.values())
    return [(unnamed(block), text) for block, text, _ in found.values()]


def unnamed(block):
    return msgspec.structs.replace(block, item_id=None) if isinstance(block, ToolCall) else block
