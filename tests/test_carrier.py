"""Opaque state keeps its origin on its way through a foreign dialect."""

import base64

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from gateway import carrier
from gateway.call import Opaque

PROOF = Opaque("messages", "thinking", Raw(b'"sig+/=="'), "claude")


def test_what_is_packed_comes_back_with_its_origin():
    assert carrier.unpack(carrier.pack(PROOF)) == PROOF


def test_a_carrier_survives_a_slot_that_decodes_and_encodes_base64():
    packed = carrier.pack(PROOF)
    assert carrier.unpack(base64.b64encode(base64.urlsafe_b64decode(packed)).decode()) == PROOF


@given(st.text() | st.text().map(lambda text: carrier.MARK + text))
def test_any_other_text_is_none(text):
    assert carrier.unpack(text) is None


def test_a_body_that_brings_a_carrier_back_is_known():
    assert carrier.held_in(b'{"data": "%s"}' % carrier.pack(PROOF).encode())
    assert not carrier.held_in(b'{"data": "EqQB"}')


def test_only_its_own_domain_is_trusted_with_it():
    assert carrier.trusted(PROOF, "messages", "claude")
    assert not carrier.trusted(PROOF, "messages", "elsewhere")
    assert not carrier.trusted(PROOF, "gemini", "claude")
    assert not carrier.native(PROOF, "messages")


def test_an_id_says_whose_it_is_and_is_given_back_as_it_was():
    tagged = carrier.tag_id("resp_1", "claude")
    assert carrier.untag_id(tagged) == "resp_1"
    assert carrier.tagged_for(tagged, "claude")
    assert carrier.tagged_for(tagged, "other") is False
    assert carrier.tagged_for("resp_1", "claude") is None
    assert carrier.untag_id("resp_1") == "resp_1"
