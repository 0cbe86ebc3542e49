"""Which networks compare."""

from __future__ import annotations

from typing import Any

import pytest

import tasks.judges
from data.assets import AssetError, MissingAssetError
from tasks import networks
from tasks.judges import check_methods, choose_networks
from tasks.likeness_settings import Settings
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


LAPTOP = Settings("laptop", None, 0, "central")


def test_methods_that_can_run_without_a_judge_in_their_energy_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    world = judged.install(monkeypatch)
    check_methods.fn(["fast", "ganfit"], ["judge"], LAPTOP)
    check_methods.fn(["ganfit"], ["judge"], LAPTOP, leave_one_out=True)
    assert world.asked() == (0, 0)


@pytest.mark.parametrize("asset", ["dlib-resnet", "texture-pca"])
def test_a_network_that_made_any_reconstruction_is_refused_also_the_mean_faces(
    asset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = judged.install(monkeypatch, ("judge", "juror"))
    world.loss[asset] = world.hashes["juror"]
    with pytest.raises(AssetError, match=r"juror is part of the energy .* Use another network: judge"):
        check_methods.fn(["fast"], ["judge", "juror"], LAPTOP)
    check_methods.fn(["fast"], ["judge"], LAPTOP)


def test_a_method_whose_models_are_missing_is_told_before_any_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    judged.install(monkeypatch)

    def load_models(preset: str, method: str, *_: Any) -> Any:
        raise MissingAssetError(f"the method {method} cannot run")

    monkeypatch.setattr(tasks.judges, "load_models", load_models)
    with pytest.raises(MissingAssetError, match="vaefit cannot run"):
        check_methods.fn(["vaefit"], [], LAPTOP)


def test_nothing_can_be_left_out_where_no_energy_is_minimised(monkeypatch: pytest.MonkeyPatch) -> None:
    judged.install(monkeypatch)
    with pytest.raises(ValueError, match="fast minimises no energy"):
        check_methods.fn(["fast"], ["judge"], LAPTOP, leave_one_out=True)


def test_no_methods_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    judged.install(monkeypatch)
    with pytest.raises(ValueError, match="no methods"):
        check_methods.fn([], ["judge"], LAPTOP)
