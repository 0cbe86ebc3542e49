"""The registry of protocols and its documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.protocols import PROTOCOLS, Protocol, describe, documentation

DOCS = Path(__file__).parents[2] / "docs" / "protocols.md"


def test_the_documentation_is_that_of_the_code() -> None:
    assert DOCS.read_text("utf-8") == documentation(), "run `make docs`"


def test_every_protocol_of_closest_points_has_one_of_counterparts_beside_it() -> None:
    bases = {"micc/ganfit-paper", "micc/ganfit-release", "micc/deng", "micc/genova", "now", "now/metrical"}
    assert set(PROTOCOLS) == bases | {f"{base}+nicp" for base in bases}
    for base in bases:
        ours = PROTOCOLS[f"{base}+nicp"]
        assert ours.needs_registration
        assert ours.statistic == PROTOCOLS[base].statistic
        assert ours.scale == PROTOCOLS[base].scale


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.id)
def test_each_says_what_is_from_where(protocol: Protocol) -> None:
    text = describe(protocol)
    assert PROTOCOLS[protocol.id] is protocol
    for origin in (protocol.from_text, protocol.from_code, protocol.our_reading):
        assert origin
        assert origin in text
