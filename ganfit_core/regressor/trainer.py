"""Self-supervised training of N(I), end to end through the renderer (Fast-GANFIT, Sec. 4)."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from ganfit_core.camera import project
from ganfit_core.energy import TERMS, Energy, Target, Weights
from ganfit_core.identity.base import IdentityNetwork
from ganfit_core.landmark_fit import landmark_loss, relative_landmark_error, shape_prior
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import Parameters
from ganfit_core.regressor.augment import Sample, moved, recoloured, spoilt
from ganfit_core.regressor.config import RegressorTrainingConfig
from ganfit_core.regressor.crops import CropBatch, Crops
from ganfit_core.regressor.model import Regressor
from ganfit_core.renderer import Renderer
from ganfit_core.texture.maps import MapPyramid, MapShards
from ganfit_core.texture.model import TextureModel
from ganfit_core.texture.projection import absolute_error
from ganfit_core.training.trainer import Trainer

HELD_OUT_FACES = 64
"""Faces of held-out people that the curves are of."""
_SHEET_FACES = 32
_VIEW_SEED = 0


class Models(NamedTuple):
    """The frozen parts of the image formation, on one device."""

    morphable: MorphableModel
    texture: TextureModel
    network: IdentityNetwork


class KnownMaps(NamedTuple):
    """Complete UV maps of some of the training photographs."""

    shards: MapShards
    mask: Float[Tensor, "r r"]
    """Weight of each texel."""
    of_crop: NDArray[np.int64]
    """Index of each training crop's map, -1 for none."""


class RegressorTrainer(Trainer):
    """Encoder, its average and its optimiser.

    Args:
        config: of the run.
        crops, held_out: to learn from, and to measure on.
        models: their parameters are not changed.
        weights: of the energy.
        maps: to learn textures from before renderings are of use; None: the renderings teach everything.
        minutes, device: as of `Trainer`.
        files: name -> sha256 of the files behind models and start; a checkpoint is bound to them.
        start: weights to begin with, such as those of a regressor for another texture model, whose texture head is
            left out.

    Raises ValueError for a run without an end.
    """

    members: ClassVar[tuple[str, ...]] = ("regressor", "average", "adam")
    config: RegressorTrainingConfig

    def __init__(
        self,
        config: RegressorTrainingConfig,
        crops: Crops,
        held_out: Crops,
        models: Models,
        weights: Weights,
        maps: KnownMaps | None,
        minutes: float | None,
        device: str,
        files: Mapping[str, str],
        start: Regressor | None = None,
    ) -> None:
        learns_from = {
            "crops_sha256": crops.sha256(),
            "texture_kind": models.texture.kind,
            "weights": json.dumps(asdict(weights), sort_keys=True),
            **files,
        }
        if maps is not None:
            learns_from["maps_sha256"] = maps.shards.sha256()
        super().__init__(config, learns_from, minutes, device)
        self.crops, self.models = crops, models
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            regressor = Regressor(config.encoder, models.texture.kind)
        if start is not None:
            _take_over(regressor, start)
        self.regressor = nn.utils.convert_conv2d_weight_memory_format(regressor.to(self.device), torch.channels_last)
        self.average = copy.deepcopy(self.regressor).requires_grad_(False).eval()
        self.adam = torch.optim.Adam(self.regressor.parameters(), config.learning_rate, betas=config.betas, fused=True)
        for module in models:
            module.requires_grad_(False)
        renderer = Renderer(models.morphable.faces, models.morphable.uvs, models.morphable.uv_faces, config.render_size)
        self.energy, self.with_view, self.without_view = (
            Energy(*models[:2], renderer.to(self.device), models.network, variant, config.precision == "bf16")
            for variant in (
                weights,
                replace(weights, identity_random=config.random_view_every * weights.identity_random),
                weights.without("identity_random"),
            )
        )
        self.maps = maps
        if maps is not None:
            self.pyramid = MapPyramid(maps.shards, {models.texture.resolution})
            side = maps.mask.shape[-1]
            self.texels = nn.functional.avg_pool2d(maps.mask[None, None], side // models.texture.resolution)
            self.texels = self.texels.to(self.device)
        chosen = np.linspace(0, len(held_out) - 1, min(HELD_OUT_FACES, len(held_out))).astype(np.int64)
        still = torch.zeros(len(chosen), dtype=torch.bool)
        batch = moved(held_out.batch(chosen), still, config.render_size, 0.0, torch.Generator())
        self.held_out = CropBatch(*(value.to(self.device) for value in batch))

    @property
    def aligns(self) -> bool:
        """Whether the run is in its first part."""
        return self.progress() < self.config.align_share

    def step(self) -> None:
        """One update of the encoder and of its average."""
        config = self.config
        self.adam.param_groups[0]["lr"] = config.learning_rate * self._rate()
        indices = torch.randint(len(self.crops), (config.batch_size,), generator=self.random)
        flips = torch.rand(config.batch_size, generator=self.random) < (0.5 if config.augment else 0.0)
        sample = self._sample(indices, flips)
        self.regressor.train()
        loss = self._alignment(sample, indices, flips) if self.aligns else self._full(sample)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.regressor.parameters(), config.gradient_norm)
        self.adam.step()
        self._record(loss=loss, gradient_norm=norm)
        self._shown(config.batch_size, (self.average, self.regressor))

    def _rate(self) -> float:
        """Share of the learning rate: a linear rise, then half a cosine down to zero at the run's end."""
        rise = min(1.0, (self.images + self.config.batch_size) / max(1, self.config.warm_up_images))
        return rise * 0.5 * (1 + math.cos(math.pi * self.progress()))

    def _sample(self, indices: Tensor, flips: Tensor) -> Sample:
        batch = self.crops.batch(indices.numpy())
        size = self.config.render_size
        if self.config.augment:
            sample = spoilt(recoloured(moved(batch, flips, size, 1.0, self.random), self.random), self.random)
        else:
            target = moved(batch, flips, size, 0.0, self.random)
            sample = Sample(target.photo, target.landmarks, target)
        on_device = CropBatch(*(value.to(self.device) for value in sample.target))
        return Sample(sample.photo.to(self.device), sample.landmarks.to(self.device), on_device)

    def _regress(self, regressor: Regressor, photo: Tensor, landmarks: Tensor) -> Parameters:
        with torch.no_grad():
            features = self.energy.features(photo, landmarks)
        with self._autocast():
            return regressor(photo, landmarks, features)

    def _alignment(self, sample: Sample, indices: Tensor, flips: Tensor) -> Tensor:
        """lambda_lan L_lan + lambda_reg Reg(p_s, p_e) (Sec. 4), and the distance to the photograph's UV map."""
        weights, model, size = self.energy.weights, self.models.morphable, self.config.render_size
        p = self._regress(self.regressor, sample.photo, sample.landmarks)
        points = project(model.landmarks(model(p.identity, p.expression)), p.camera, size)[..., :2]
        landmark = landmark_loss(points, sample.target.landmarks, size).mean()
        prior = shape_prior(p.identity, p.expression).mean()
        loss = (weights.landmark or Weights.landmark) * landmark + weights.identity_prior * prior
        self._record(landmark=landmark)
        if self.maps is not None:
            known = self.maps.of_crop[indices.numpy()]
            rows = np.flatnonzero(known >= 0)
            if len(rows):
                at = torch.from_numpy(rows)
                target = self.pyramid.batch(self.models.texture.resolution, torch.from_numpy(known[rows]), flips[at])
                target = target.to(self.device) * 0.5 + 0.5
                textures = self.energy.textures(p.texture[at])
                distance = absolute_error(textures, target, self.texels.expand(len(rows), -1, -1, -1)).mean()
                loss = loss + self.config.map_weight * distance
                self._record(map=distance)
        return loss

    def _full(self, sample: Sample) -> Tensor:
        """Eq. 15."""
        energy = self.without_view if self.steps % self.config.random_view_every else self.with_view
        p = self._regress(self.regressor, sample.photo, sample.landmarks)
        target = energy.target(sample.target.photo, sample.target.landmarks, sample.target.inside)
        terms = energy.terms(p, target, self.random)
        self._record(**{name: terms[name].mean() for name in TERMS if terms[name].requires_grad})
        return energy.total(terms).mean()

    @torch.no_grad()
    def held_out_terms(self) -> dict[str, float]:
        """Means over the held-out faces: the energy's terms, their sum, and the landmark error in %."""
        parameters, target = self._held_out_answers()
        energy = self.energy
        terms = energy.terms(parameters, target, torch.Generator().manual_seed(_VIEW_SEED))
        terms = {**terms, "energy": energy.total(terms)}
        points = project(
            energy.model.landmarks(energy.model(parameters.identity, parameters.expression)),
            parameters.camera,
            self.config.render_size,
        )[..., :2]
        terms["landmark_error_pct"] = 100 * relative_landmark_error(points, target.landmarks)
        return {f"held_out_{name}": round(float(value.mean()), 5) for name, value in terms.items()}

    def drain_log(self) -> dict[str, float]:
        """Means of the losses since the last call, and where the held-out faces stand."""
        return {**super().drain_log(), **self.held_out_terms()}

    def position(self) -> dict[str, Any]:
        """Part of the run."""
        return {"phase": "align" if self.aligns else "full"}

    @torch.no_grad()
    def sheet(self) -> Float[Tensor, "64 3 r r"]:
        """Held-out photographs, each followed by its regressed rendering over it."""
        parameters, target = self._held_out_answers()
        energy, shown = self.energy, torch.arange(_SHEET_FACES, device=self.device) % len(target.photo)
        rendering = energy.form(Parameters(*(value[shown] for value in parameters))).rendering
        share = energy.compared(rendering)
        over = share * rendering.image.clamp(0, 1) + (1 - share) * target.photo[shown]
        return torch.stack([target.photo[shown], over], dim=1).flatten(0, 1)

    def finished(self) -> Regressor:
        """The averaged encoder."""
        return self.average

    def _held_out_answers(self) -> tuple[Parameters, Target]:
        photo, landmarks, inside = self.held_out
        target = self.energy.target(photo, landmarks, inside)
        return self._regress(self.average, photo, landmarks), target


def _take_over(regressor: Regressor, start: Regressor) -> None:
    """Copy every tensor of the same name and shape, but for the head of another texture model's latents."""
    own = regressor.state_dict()
    same_texture = regressor.texture_kind == start.texture_kind
    for name, value in start.state_dict().items():
        if name in own and own[name].shape == value.shape and (same_texture or "heads.texture" not in name):
            own[name].copy_(value)
