"""The registry of protocols of shape."""

from __future__ import annotations

from evaluation.protocols import PROTOCOLS


def test_every_protocol_of_closest_points_has_one_of_counterparts_beside_it() -> None:
    bases = {"micc/ganfit-paper", "micc/ganfit-release", "micc/deng", "micc/genova", "now", "now/metrical"}
    assert set(PROTOCOLS) == bases | {f"{base}+nicp" for base in bases}
    for base in bases:
        ours = PROTOCOLS[f"{base}+nicp"]
        assert ours.needs_registration
        assert ours.statistic == PROTOCOLS[base].statistic
        assert ours.scale == PROTOCOLS[base].scale
