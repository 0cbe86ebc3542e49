"""Which networks compare."""

from __future__ import annotations

import pytest

from data.assets import AssetError, MissingAssetError
from tasks import networks
from tasks.judges import choose_networks
from tests import judged


def test_all_that_are_here_judge_unless_some_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    judged.install(monkeypatch, ("judge", "juror"))
    assert choose_networks.fn(None) == ["judge", "juror"]
    assert choose_networks.fn(["juror"]) == ["juror"]
    assert choose_networks.fn(["juror", "judge", "juror"]) == ["juror", "judge"]


def test_one_that_is_not_here_is_told_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    judged.install(monkeypatch)
    with pytest.raises(MissingAssetError, match="sface is missing: it can be had elsewhere"):
        choose_networks.fn(["judge", "sface"])


def test_an_unknown_one_is_told_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    judged.install(monkeypatch)
    with pytest.raises(AssetError, match=r"no face recognition network eigenfaces: choose from .*judge"):
        choose_networks.fn(["eigenfaces"])


@pytest.mark.parametrize("names", [None, []])
def test_without_any_it_is_told_where_networks_come_from(
    names: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged.install(monkeypatch, ())
    assert networks.network_names_here() == []
    with pytest.raises(MissingAssetError, match="ganfit assets list"):
        choose_networks.fn(names)
