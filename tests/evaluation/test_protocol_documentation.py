"""docs/protocols.md, and what it says of each protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.likeness_protocols import LIKENESS_PROTOCOLS, LikenessProtocol
from evaluation.protocol_documentation import describe, describe_likeness, documentation
from evaluation.protocols import PROTOCOLS, Protocol, ProtocolText

DOCS = Path(__file__).parents[2] / "docs" / "protocols.md"


def test_the_documentation_is_that_of_the_code() -> None:
    assert DOCS.read_text("utf-8") == documentation(), "run `make docs`"


def test_protocols_of_likeness_are_those_that_rows_name() -> None:
    expected = ["lfw/photo-rendering", "lfw/photo-pairs", "lfw/rendering-pairs", "quality/clean-reference"]
    assert list(LIKENESS_PROTOCOLS) == expected
    assert not set(expected) & set(PROTOCOLS)


def said(protocol: ProtocolText, text: str) -> bool:
    """Whether the text has the protocol's id, version and all three origins."""
    origins = (protocol.from_text, protocol.from_code, protocol.our_reading)
    assert all(origins)
    return all(part in text for part in (f"## `{protocol.id}`", f"- version: {protocol.version}\n", *origins))


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.id)
def test_each_protocol_of_shape_says_what_is_from_where(protocol: Protocol) -> None:
    assert PROTOCOLS[protocol.id] is protocol
    assert said(protocol, describe(protocol))


@pytest.mark.parametrize("protocol", LIKENESS_PROTOCOLS.values(), ids=lambda protocol: protocol.id)
def test_each_protocol_of_likeness_says_what_is_from_where_and_how_it_is_done(protocol: LikenessProtocol) -> None:
    text = describe_likeness(protocol)
    assert said(protocol, text)
    for step in (protocol.compared, protocol.view, protocol.crop, protocol.embedding, protocol.numbers):
        assert step in text
