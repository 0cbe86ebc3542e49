"""The six terms of the energy, on a rendering of known parameters taken for the photograph."""

import dataclasses
import math

import pytest
import torch
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.energy import PRIORS, TERMS, VIEW_SIZE, Energy, Weights, content_distance
from ganfit_core.identity import DlibResNet
from ganfit_core.identity.base import IdentityFeatures
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import LIGHT_MEAN, Parameters
from ganfit_core.texture.generator import Generator
from tests.heads import camera, renderer

SIZE = 64
ALL = dataclasses.asdict(Weights())
OFF = dict.fromkeys(ALL, 0.0)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_parameters(model: MorphableModel, seed: int) -> Parameters:
    generator = seeded(seed)
    light = torch.tensor(LIGHT_MEAN) * (1 + 0.1 * torch.randn(2, 9, generator=generator))
    return Parameters(
        0.5 * torch.randn(2, model.n_identity, generator=generator),
        0.3 * torch.randn(2, model.n_expression, generator=generator),
        torch.randn(2, 16, generator=generator),
        torch.cat([camera(5 * seed), camera(-8, 3)]),
        light,
    )


class Setting:
    """An energy of any weights; photographs of one set of parameters, evaluated at another."""

    def __init__(self, model: MorphableModel, texture_model: Generator, network: DlibResNet) -> None:
        self.parts = (model, texture_model, renderer(model, SIZE), network)
        self.truth, self.guess = some_parameters(model, 0), some_parameters(model, 1)
        energy = self.energy()
        with torch.no_grad():
            formed = energy.form(self.truth)
            points = project(model.landmarks(formed.vertices), self.truth.camera, SIZE)[..., :2]
        self.target = energy.target(formed.rendering.image.clamp(0, 1), points)

    def energy(self, **weights: float) -> Energy:
        return Energy(*self.parts, Weights(**weights))

    def terms(self, /, **weights: float) -> dict[str, Tensor]:
        """At the guess."""
        return self.terms_at(self.guess, weights)

    @torch.no_grad()
    def terms_at(self, parameters: Parameters, weights: dict[str, float]) -> dict[str, Tensor]:
        return self.energy(**weights).terms(parameters, self.target, seeded())


@pytest.fixture(scope="module")
def setting(model: MorphableModel, texture_model: Generator, identity_network: DlibResNet) -> Setting:
    return Setting(model, texture_model.requires_grad_(False), identity_network)


@pytest.fixture(scope="module")
def full(setting: Setting) -> dict[str, Tensor]:
    return setting.terms()


def test_all_terms_are_positive_numbers_per_image(full: dict[str, Tensor]) -> None:
    assert set(full) == set(TERMS)
    for name, value in full.items():
        assert value.shape == (2,), name
        assert torch.isfinite(value).all(), name
        assert (value > 0).all(), name
    assert (full["identity"] < 2).all()


def test_total_is_the_weighted_sum(setting: Setting, full: dict[str, Tensor]) -> None:
    total = setting.energy().total(full)
    expected = full["regularisation"] + sum(
        ALL[name] * full[name] for name in ("identity", "identity_random", "content", "pixel", "landmark")
    )
    torch.testing.assert_close(total, expected)


@pytest.mark.parametrize("term", ["identity", "identity_random", "content", "pixel", "landmark"])
def test_a_term_is_switched_off_by_its_weight(setting: Setting, full: dict[str, Tensor], term: str) -> None:
    without = setting.terms(**{term: 0.0})
    assert not without[term].any()
    for name in set(TERMS) - {term}:
        torch.testing.assert_close(without[name], full[name], msg=name)
    totals = [setting.energy(**weights).total(terms) for weights, terms in (({}, full), ({term: 0.0}, without))]
    torch.testing.assert_close(totals[0] - totals[1], ALL[term] * full[term], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("term", ["identity", "identity_random", "content", "pixel", "landmark"])
def test_a_term_stands_alone(setting: Setting, full: dict[str, Tensor], term: str) -> None:
    alone = setting.terms(**(OFF | {term: 3.0}))
    torch.testing.assert_close(alone[term], full[term])
    assert not any(alone[name].any() for name in set(TERMS) - {term})
    torch.testing.assert_close(setting.energy(**(OFF | {term: 3.0})).total(alone), 3 * full[term])


def test_regularisation_in_closed_form(setting: Setting) -> None:
    guess = setting.guess
    parts = {}
    for prior, numbers, others in (
        ("identity_prior", guess.identity, guess.expression),
        ("expression_prior", guess.expression, guess.identity),
    ):
        parts[prior] = setting.terms(**(OFF | {prior: 0.5}))["regularisation"]
        width = numbers.shape[1] + others.shape[1]
        torch.testing.assert_close(parts[prior], 0.5 * numbers.square().sum(dim=1) / width)
    at_mean = guess._replace(light=torch.tensor(LIGHT_MEAN).expand(2, -1))
    assert not setting.terms_at(at_mean, OFF | {"light_prior": 1.0})["regularisation"].any()
    parts["light_prior"] = setting.terms(**(OFF | {"light_prior": 1.0}))["regularisation"]
    assert (parts["light_prior"] > 0).all()
    weights = {"identity_prior": 0.5, "expression_prior": 0.5, "light_prior": 1.0}
    together = setting.terms(**(OFF | weights))["regularisation"]
    torch.testing.assert_close(together, sum(parts.values()))
    assert not setting.terms(**OFF)["regularisation"].any()


def test_a_large_random_view_is_rendered_smaller_and_says_the_same(
    setting: Setting, model: MorphableModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for most in (VIEW_SIZE, 224):
        monkeypatch.setattr("ganfit_core.energy.VIEW_SIZE", most)
        morphable, texture_model, _, network = setting.parts
        weights = Weights(**(OFF | {"identity_random": 1.0}))
        energy = Energy(morphable, texture_model, renderer(model, 224), network, weights)
        assert energy.view_renderer.size == most
        with torch.no_grad():
            found.append(energy.terms(setting.guess, setting.target, seeded())["identity_random"])
    torch.testing.assert_close(*found, atol=0.02, rtol=0)
    assert not torch.equal(*found)


def test_everything_off_costs_nothing(setting: Setting) -> None:
    terms = setting.terms(**OFF)
    assert not any(value.any() for value in terms.values())
    assert not setting.energy(**OFF).total(terms).any()


def test_photograph_of_the_parameters_themselves_has_no_error(setting: Setting, full: dict[str, Tensor]) -> None:
    exact = setting.terms_at(setting.truth, {})
    for name in ("identity", "content", "pixel", "landmark"):
        assert (exact[name] < 0.02 * full[name]).all(), name


def test_images_of_a_batch_do_not_mix(setting: Setting, full: dict[str, Tensor]) -> None:
    for row in range(2):
        index = torch.tensor([row])
        parameters = Parameters(*(part[index] for part in setting.guess))
        with torch.no_grad():
            alone = setting.energy(identity_random=0.0).terms(parameters, setting.target.rows(index), seeded())
        for name in set(TERMS) - {"identity_random"}:
            torch.testing.assert_close(alone[name][0], full[name][row], atol=1e-4, rtol=1e-3, msg=name)


@pytest.mark.parametrize("weights", [{}, {"pixel": 0.0}, OFF | {"identity_random": 1.0}, OFF | {"content": 1.0}])
def test_gradients_reach_every_parameter(setting: Setting, weights: dict[str, float]) -> None:
    leaves = Parameters(*(part.clone().requires_grad_() for part in setting.guess))
    energy = setting.energy(**weights)
    energy.total(energy.terms(leaves, setting.target, seeded())).sum().backward()
    groups = leaves._asdict()
    if set(weights) == set(ALL) and weights["identity_random"]:
        # The random view has an expression, a camera and a light of its own.
        for name in ("expression", "camera", "light"):
            leaf = groups.pop(name)
            assert leaf.grad is None or not leaf.grad.any()
    for name, leaf in groups.items():
        assert torch.isfinite(leaf.grad).all(), name
        assert (leaf.grad.abs().amax(dim=1) > 0).all(), name


def test_energy_falls_against_the_gradient(setting: Setting) -> None:
    """The same random view on both sides: a short step along the gradient changes the total as it says."""
    energy, guess = setting.energy(), setting.guess

    def total(texture: Tensor, light: Tensor) -> Tensor:
        parameters = guess._replace(texture=texture, light=light)
        return energy.total(energy.terms(parameters, setting.target, seeded())).sum()

    # They do not move the silhouette, where the energy jumps. The light's numbers are hundreds of millimetres.
    parts = [guess.texture.clone().requires_grad_(), guess.light.clone().requires_grad_()]
    before = total(*parts)
    gradients = torch.autograd.grad(before, parts)
    squared = sum(float(gradient.square().sum()) for gradient in gradients)
    step = 1e-3 / math.sqrt(squared)
    with torch.no_grad():
        after = total(*(part - step * gradient for part, gradient in zip(parts, gradients, strict=True)))
    assert float(before.detach() - after) == pytest.approx(step * squared, rel=0.3)


def test_pixel_term_compares_the_face_alone(setting: Setting) -> None:
    """Hair, clothes and background of the photograph do not count; the face's colour does."""
    energy = setting.energy()
    with torch.no_grad():
        compared = energy.compared(energy.form(setting.guess).rendering)
    assert 0.05 < compared.mean() < 0.6
    photo = setting.target.photo
    changed = torch.where(compared > 0, photo, 1 - photo)
    shifted = torch.where(compared > 0, photo + 0.25, photo)

    def pixel(picture: Tensor) -> Tensor:
        target = setting.target._replace(photo=picture)
        with torch.no_grad():
            return setting.energy(**(OFF | {"pixel": 1.0})).terms(setting.guess, target, seeded())["pixel"]

    torch.testing.assert_close(pixel(changed), pixel(photo))
    assert (pixel(shifted) - pixel(photo)).abs().max() > 0.05


def test_content_distance_in_closed_form() -> None:
    embedding = torch.zeros(2, 4)
    one = IdentityFeatures(embedding, (torch.zeros(2, 3, 4, 5), torch.ones(2, 2, 1, 1)))
    other = IdentityFeatures(
        embedding, (torch.full((2, 3, 4, 5), 0.5), torch.tensor([1.0, 4.0]).view(2, 1, 1, 1) + one.activations[1] - 1)
    )
    # ||0.5|| over 60 numbers, divided by 60; the second layer differs by 3 in both numbers of the second image.
    first, second = 0.5 * math.sqrt(60) / 60, 3 * math.sqrt(2) / 2
    torch.testing.assert_close(content_distance(one, other), torch.tensor([first, first + second]), atol=1e-5, rtol=0)
    same = content_distance(one, one)
    assert same.max() < 1e-4


def test_content_distance_of_equal_features_has_a_gradient() -> None:
    activation = torch.ones(1, 2, 3, 3, requires_grad=True)
    features = IdentityFeatures(torch.zeros(1, 4), (activation,))
    fixed = IdentityFeatures(torch.zeros(1, 4), (activation.detach(),))
    content_distance(features, fixed).sum().backward()
    assert activation.grad is not None
    assert torch.isfinite(activation.grad).all()


def test_target_rows(setting: Setting) -> None:
    second = setting.target.rows(torch.tensor([1]))
    assert torch.equal(second.photo[0], setting.target.photo[1])
    assert torch.equal(second.landmarks[0], setting.target.landmarks[1])
    assert torch.equal(second.features.embedding[0], setting.target.features.embedding[1])
    assert all(
        torch.equal(a[0], b[1])
        for a, b in zip(second.features.activations, setting.target.features.activations, strict=True)
    )


def test_terms_are_switched_off_by_name() -> None:
    weights = Weights().without("pixel", "regularisation")
    assert (weights.pixel, *(getattr(weights, prior) for prior in PRIORS)) == (0.0,) * 4
    assert weights.identity == Weights().identity
    with pytest.raises(ValueError, match="no such term: hair"):
        Weights().without("hair")
