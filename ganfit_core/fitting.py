"""GANFIT: fits shape, expression, texture, camera and light to photographs (Fast-GANFIT, Section 3.4)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ganfit_core.descent import Plateau, RowAdam
from ganfit_core.energy import TERMS, Energy, Target, Weights
from ganfit_core.identity.base import IdentityNetwork
from ganfit_core.landmark_fit import Start, fit_landmarks
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import LIGHT_MEAN, Leaves, Parameters, light_from_photo
from ganfit_core.people import People
from ganfit_core.perception.align import AlignedFace
from ganfit_core.presets import PRESETS, Descent, Preset
from ganfit_core.renderer import Renderer
from ganfit_core.texture.model import TextureModel
from ganfit_core.texture.projection import nearest, project
from ganfit_core.unwrap import Unwrapper

__all__ = ["PRESETS", "FitError", "FitResult", "Fitter", "Preset"]

FINAL_VIEW_SEED = 0
GREY_ALBEDO, GREY_LIGHT = 0.75, (150.0, 250.0, 900.0, 0.65, 0.65, 0.65, 0.3, 0.3, 0.3)


class FitError(RuntimeError):
    """A batch could not be fitted."""


@dataclass(frozen=True)
class FitResult:
    """One fitted face. Arrays are float32 unless said otherwise; S is the preset's render size."""

    identity: NDArray[np.float32]
    """(ns,) p_s, standard deviations."""
    expression: NDArray[np.float32]
    """(ne,) p_e, standard deviations."""
    texture: NDArray[np.float32]
    """(nt,) p_t."""
    camera: NDArray[np.float32]
    """(10,) p_c."""
    light: NDArray[np.float32]
    """(9,) p_l."""
    losses: dict[str, float]
    """Value of every term at the returned parameters, unweighted but for "regularisation", and the weighted "total"."""
    history: dict[str, NDArray[np.float32]]
    """(iterations,) of every term and of "total", each before that step. Coarse steps (GANFit++) are of a small
    rendering, and have for the random view, which they leave out, its value before the first of them: where the coarse
    part ends, the course may step up or down."""
    iterations: int
    """Steps of stage 2 taken."""
    converged: bool
    """Whether the energy levelled off before the last step."""
    vertices: NDArray[np.float32]
    """(V, 3) mm."""
    uv_map: NDArray[np.uint8]
    """(H, W, 3) RGB texture."""
    rendering: NDArray[np.uint8]
    """(S, S, 3) shaded, black outside the mask."""
    albedo_rendering: NDArray[np.uint8]
    """(S, S, 3) the texture alone, unlit."""
    shape_rendering: NDArray[np.uint8]
    """(S, S, 3) the shape in grey."""
    mask: NDArray[np.bool_]
    """(S, S) where the mesh is."""
    face_weight: NDArray[np.float32]
    """(S, S) how much the pixel term counts each pixel: the visible face without cranium, ears and neck."""


class Fitter:
    """Fits batches of aligned faces, each with its own convergence.

    Args:
        model, texture_model, renderer, network: on one device; the renderer's size is the preset's.
        preset: iterations, learning rate, weights.
        alignment: weights of stage 1, where they are not the preset's.
    """

    def __init__(
        self,
        model: MorphableModel,
        texture_model: TextureModel,
        renderer: Renderer,
        network: IdentityNetwork,
        preset: Preset,
        alignment: Weights | None = None,
    ) -> None:
        self.model, self.texture_model, self.renderer, self.preset = model, texture_model, renderer, preset
        self.device = model.mean.device
        self.alignment = alignment or preset.weights
        self.energy = Energy(model, texture_model, renderer, network, preset.weights)
        # For what need not be exact: the way of GANFit++ to its last descent.
        view_alone = preset.weights.without(*(term for term in TERMS if term != "identity_random"))
        self.rough = Energy(model, texture_model, renderer, network, view_alone, mixed_precision=True)
        sizes = {part.coarse_size for part in preset.refinement if part.coarse_size is not None}
        self.coarse = {size: self._coarse(size) for size in sizes}
        self.unwrapper = Unwrapper(model, texture_model.resolution, renderer.size)
        for module in (model, texture_model, network):
            module.requires_grad_(False)

    def without(self, *terms: str) -> Fitter:
        """The same with some terms switched off in stage 2, as Weights.without names them (leave-one-out, Sec. 5.4).

        Stage 1 keeps them, as in the paper, where it still has the landmarks.
        """
        preset = dataclasses.replace(self.preset, weights=self.preset.weights.without(*terms))
        return Fitter(self.model, self.texture_model, self.renderer, self.energy.network, preset, self.alignment)

    def fit(
        self,
        faces: list[AlignedFace],
        seed: int,
        on_iteration: Callable[[int, int], None] | None = None,
        people: Sequence[int] | None = None,
    ) -> list[FitResult]:
        """Fit all faces at once, from random textures; the same seed gives the same result on the same machine.

        Args:
            faces: crops of the preset's render size.
            seed: of the starting textures and the random views.
            on_iteration: called with (steps done, steps at most).
            people: a number for each face; faces with the same number show the same person and share identity and
                texture, which are averaged after every iteration (Fast-GANFIT, Eq. 14). None: all show different ones.

        Raises:
            FitError: no faces, a crop of another size, not one number per face, or the energy is not finite.
        """
        target, shown, generator = self.prepare(faces), who(people, faces), torch.Generator().manual_seed(seed)
        start = self.begin(target, generator, shown)
        parts = self.preset.parts(regressed=False)
        return self._stage_two(start, target, shown, parts, generator, on_iteration)

    def refine(
        self,
        target: Target,
        regressed: Parameters,
        seed: int,
        on_iteration: Callable[[int, int], None] | None = None,
        people: People | None = None,
    ) -> list[FitResult]:
        """Fit from what a regressor says of the faces (GANFit++, Sec. 4); arguments and errors as those of `fit`.

        Args:
            target: what `prepare` says of the faces.
            regressed: where to begin.
        """
        shown = people or People.alone(len(target.photo))
        generator = torch.Generator().manual_seed(seed)
        start = self.begin(target, generator, shown, regressed)
        parts = self.preset.parts(regressed=True)
        return self._stage_two(start, target, shown, parts, generator, on_iteration)

    def prepare(self, faces: list[AlignedFace]) -> Target:
        """The crops as tensors on the fitter's device, with their identity features.

        Raises:
            FitError: no faces, or a crop of another size than the preset's.
        """
        size = self.renderer.size
        if not faces:
            raise FitError("no faces to fit")
        if any(face.image.shape != (size, size, 3) for face in faces):
            raise FitError(f"crops must be {size} x {size} RGB")
        return self.energy.target(*(tensor.to(self.device) for tensor in as_tensors(faces)))

    def begin(
        self, target: Target, generator: torch.Generator, people: People, regressed: Parameters | None = None
    ) -> Parameters:
        """Where stage 2 begins.

        Stage 1, from the regression or from the mean head; then the regressed texture, or of some random ones the one
        nearest to the unwrapped photograph, brought nearer to it; and a light that suits both. Several photographs of
        one person are unwrapped onto one map, each texel weighed by how well a photograph shows it.
        """
        if regressed is not None:
            regressed = regressed.shared(people)
        size = self.renderer.size
        aligned = fit_landmarks(
            self.model,
            target.landmarks,
            size,
            self.preset.alignment_iterations,
            landmark_weight=self.alignment.landmark,
            prior_weight=self.alignment.identity_prior,
            start=None if regressed is None else Start(regressed.identity, regressed.expression, regressed.camera),
            people=people,
        )
        with torch.no_grad():
            vertices = self.model(aligned.identity, aligned.expression)
        seen = self.unwrapper(target.photo, vertices, aligned.camera, target.inside)
        confidence = people.mean(seen.confidence)
        unwrapped = (people.mean(seen.confidence * seen.texture) / confidence.clamp_min(1e-6))[people.first]
        weight = (confidence * self.energy.face_texels)[people.first]
        textures = self.energy.textures if regressed is None else self.rough.textures
        if regressed is None:
            candidates = self.texture_model.sample_latents(self.preset.texture_candidates, generator)
            texture = nearest(textures, candidates, unwrapped, weight)
        else:
            texture = regressed.texture[people.first]
        texture = project(
            textures,
            texture,
            unwrapped,
            weight,
            self.preset.projection_iterations,
            self.preset.projection_learning_rate,
        )[people.of]
        with torch.no_grad():
            light = texture.new_tensor(LIGHT_MEAN).expand(len(texture), -1)
            unlit = self.renderer(vertices, self.texture_model(texture), aligned.camera, light)
        light = light_from_photo(target.photo, unlit, self.energy.compared(unlit) * target.inside)
        return Parameters(aligned.identity, aligned.expression, texture, aligned.camera, light)

    def _stage_two(
        self,
        start: Parameters,
        target: Target,
        people: People,
        parts: tuple[tuple[Descent, int], ...],
        generator: torch.Generator,
        on_iteration: Callable[[int, int], None] | None,
    ) -> list[FitResult]:
        """One descent after the other, each from where the last one ended."""
        batch, most = len(target.photo), sum(steps for _, steps in parts)
        history: list[list[dict[str, float]]] = [[] for _ in range(batch)]
        parameters, converged = start, torch.zeros(batch, dtype=torch.bool)

        def notify() -> None:
            if on_iteration is not None:
                on_iteration(max(len(course) for course in history), most)

        for part, steps in parts:
            energy, seen, held = self.energy, target, None
            if part.coarse_size is not None:
                energy = self.coarse[part.coarse_size]
                seen = resized(target, energy)
                with torch.no_grad():
                    held = self.rough.terms(parameters, target, generator)["identity_random"].cpu()
            parameters, converged = self._descend(
                parameters, seen, people, energy, part, steps, generator, held, history, notify
            )
        return self._results(parameters, target, history, converged.tolist())

    def _coarse(self, size: int) -> Energy:
        """The energy that coarse steps descend."""
        model, whole = self.model, self.energy
        renderer = Renderer(model.faces, model.uvs, model.uv_faces, size, self.renderer.rasterizer)
        weights = whole.weights.without("identity_random")
        return Energy(model, self.texture_model, renderer.to(self.device), whole.network, weights, mixed_precision=True)

    def _descend(
        self,
        start: Parameters,
        target: Target,
        people: People,
        energy: Energy,
        part: Descent,
        steps: int,
        generator: torch.Generator,
        held: Float[Tensor, " b"] | None,
        history: list[list[dict[str, float]]],
        notify: Callable[[], None],
    ) -> tuple[Parameters, Bool[Tensor, " b"]]:
        """Parameters at the end, and which images have converged. An image that has leaves the batch, together with the
        others of its person, whose mean energy decides; its parameters stay as they were then. Adds every step's terms
        to `history`, that of the random view being `held` where it takes no part."""
        leaves = Leaves(start)
        adam = RowAdam(leaves.numbers, leaves.rates(part.learning_rate, part.texture_learning_rate))
        plateau = Plateau(len(history), part.tolerance, part.patience, part.rate_factors)
        active = torch.arange(len(history))
        for iteration in range(steps):
            rows = active.to(leaves.numbers.device)
            terms = energy.terms(leaves.rows(rows), target.rows(rows), generator)
            total = energy.total(terms)
            if not torch.isfinite(total).all():
                raise FitError(f"the energy is not finite at step {iteration}")
            total.sum().backward()
            adam.step(rows, plateau.factors(active).to(rows.device))
            leaves.share(people, rows)
            values = {name: value.detach().cpu() for name, value in (terms | {"total": total}).items()}
            if held is not None:
                values["identity_random"] = held[active]
                values["total"] = values["total"] + self.energy.weights.identity_random * held[active]
            for row, image in enumerate(active.tolist()):
                history[image].append({name: float(value[row]) for name, value in values.items()})
            # The energy but for the random view, which is another one in every step: its noise of a hundredth of the
            # energy would hide what a step gains, a thousandth.
            steady = values["total"] - self.energy.weights.identity_random * values["identity_random"]
            active = active[~plateau.converged(active, people.mean(steady, active))]
            notify()
            if not len(active):
                break
        converged = torch.ones(len(history), dtype=torch.bool)
        converged[active] = False
        found = leaves.rows(torch.arange(len(history), device=leaves.numbers.device))
        return Parameters(*(value.detach() for value in found)), converged

    def results(self, parameters: Parameters, target: Target) -> list[FitResult]:
        """What parameters give without any step, e.g. those of a regressor (Fast-GANFIT, Sec. 4).

        Raises:
            FitError: the energy is not finite.
        """
        batch = len(target.photo)
        return self._results(parameters, target, [[] for _ in range(batch)], [True] * batch)

    @torch.no_grad()
    def _results(
        self, parameters: Parameters, target: Target, history: list[list[dict[str, float]]], converged: list[bool]
    ) -> list[FitResult]:
        # A view of its own, the same for every face: final losses must not depend on who else was in the batch.
        view = torch.Generator().manual_seed(FINAL_VIEW_SEED)
        formed = self.energy.form(parameters)
        terms = self.energy.terms_of(formed, target, view)
        losses = terms | {"total": self.energy.total(terms)}
        if not torch.isfinite(losses["total"]).all():
            raise FitError("the energy is not finite at the end")
        rendering, batch = formed.rendering, len(target.photo)
        grey = torch.full((batch, 3, 2, 2), GREY_ALBEDO, device=self.device)
        light = parameters.light.new_tensor(GREY_LIGHT).expand(batch, -1)
        shape = self.renderer(formed.vertices, grey, parameters.camera, light).image
        numbers = {name: value.cpu().numpy() for name, value in parameters._asdict().items()}
        pictures = {
            "uv_map": to_bytes(formed.texture),
            "rendering": to_bytes(rendering.image),
            "albedo_rendering": to_bytes(rendering.albedo),
            "shape_rendering": to_bytes(shape),
            "vertices": formed.vertices.cpu().numpy(),
            "mask": rendering.mask[:, 0].cpu().numpy() > 0,
            "face_weight": self.energy.compared(rendering)[:, 0].cpu().numpy(),
        }
        return [
            FitResult(
                **{name: values[row] for name, values in (numbers | pictures).items()},
                losses={name: float(value[row]) for name, value in losses.items()},
                history={
                    name: np.array([step[name] for step in history[row]], dtype=np.float32)
                    for name in (*TERMS, "total")
                },
                iterations=len(history[row]),
                converged=converged[row],
            )
            for row in range(batch)
        ]


def who(people: Sequence[int] | None, faces: Sequence[AlignedFace]) -> People:
    """The persons on some faces; by default all are different. Raises FitError for another number of numbers."""
    if people is None:
        return People.alone(len(faces))
    if len(people) != len(faces):
        raise FitError(f"{len(people)} numbers of persons for {len(faces)} faces")
    return People(people)


def resized(target: Target, energy: Energy) -> Target:
    """The same photographs at the size that an energy renders."""
    size = energy.renderer.size
    photo, inside = (
        functional.interpolate(image, (size, size), mode="bilinear", align_corners=False, antialias=True)
        for image in (target.photo, target.inside)
    )
    landmarks = target.landmarks * (size / target.photo.shape[-1])
    return energy.target(photo, landmarks, (inside > 0.99).float())


def as_tensors(
    faces: list[AlignedFace],
) -> tuple[Float[Tensor, "b 3 s s"], Float[Tensor, "b 68 2"], Float[Tensor, "b 1 s s"]]:
    """Crops (RGB in [0, 1]), landmarks in pixels, and where the crops show the photographs."""
    photo = torch.from_numpy(np.stack([face.image for face in faces])).permute(0, 3, 1, 2).float() / 255
    landmarks = torch.from_numpy(np.stack([face.landmarks for face in faces])).float()
    whole = np.ones(faces[0].image.shape[:2], dtype=bool)
    shown = torch.from_numpy(np.stack([whole if face.inside is None else face.inside for face in faces]))
    return photo, landmarks, shown[:, None].float()


def to_bytes(images: Float[Tensor, "b 3 h w"]) -> NDArray[np.uint8]:
    """(B, H, W, 3) uint8 of RGB in [0, 1]."""
    return np.asarray((images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())
