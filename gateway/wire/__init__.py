"""What dialects of JSON over HTTP have in common, for their authors to build on. Sans-IO; imported module by module.

bodies: replies that are one JSON text. efforts: how much to think, in words and in tokens. jsontext: JSON as upstreams
send it, and written so that it always can be. lines: JSON lines. losses: what had no place, as paths. members: a
client's JSON object, read member by member. outlines: a client's body, peeked at. outputs: how much a model has said.
refusals: what an upstream says when it refuses. rounds: tools that the gateway ran for a reply. segments: names in
paths of URLs. shapes: what an upstream sends, read into structs.
"""
