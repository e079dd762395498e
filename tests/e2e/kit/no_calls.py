"""Bodies that are no call in any dialect."""

from __future__ import annotations

NO_CALLS = {
    "empty": b"",
    "blank": b" \n\t",
    "cut": b'{"model": "agent_echo", "messages": [{"role": "us',
    "trailing comma": b'{"model": "agent_echo",}',
    "two values": b'{"model": "agent_echo"} {}',
    "a list": b"[]",
    "a number": b"7",
    "a string": b'"agent_echo"',
    "null": b"null",
    "an empty object": b"{}",
    "a BOM": b'\xef\xbb\xbf{"model": "agent_echo"}',
    "UTF-16": '{"model": "agent_echo"}'.encode("utf-16"),
    "NUL bytes": b"\0" * 64,
    "a form": b"model=agent_echo&messages=Hi",
    "XML": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "single quotes": b"{'model': 'agent_echo'}",
    "comments": b'{"model": "agent_echo" /* hi */}',
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "nested and closed": b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "invalid UTF-8": b'{"messages": [{"role": "user", "content": "\xff\xfe"}], "input": "\xff"}',
    "overlong UTF-8": b'{"messages": [{"role": "user", "content": "\xc0\xaf"}], "input": "\xc0\xaf"}',
}
