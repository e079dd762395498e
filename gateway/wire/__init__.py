"""What dialects of JSON over HTTP have in common, for their authors to build on. Sans-IO; imported module by module.

jsontext: JSON as upstreams send it, and written so that it always can be. members: a client's JSON object, read member
by member. efforts: how much to think, in words and in tokens. losses: what had no place, as paths. refusals: what an
upstream says when it refuses.
"""
