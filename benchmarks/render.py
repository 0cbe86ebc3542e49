"""Cost of rendering and fitting on one CPU thread: ``python -m benchmarks.render``. The last line is one JSON object.

Times are CPU-milliseconds (`time.process_time`), so that other work on the machine does not count.
"""

import json
import math
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
import trimesh
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.descent import RowAdam
from ganfit_core.fitting import Fitter
from ganfit_core.parameters import CAMERA_MEAN, LIGHT_MEAN, Leaves
from ganfit_core.people import People
from ganfit_core.perception.align import AlignedFace
from ganfit_core.rasterize import TorchRasterizer
from ganfit_core.renderer import Renderer
from tasks.models import load_models

SIZE = 224
COVERAGE = 0.6
RADIUS = 100.0
TEXTURE_SIDE = 256


def median_cpu_ms(run: Callable[[], object], repeats: int = 30, warmup: int = 3) -> float:
    """Median CPU time of a call in milliseconds."""
    for _ in range(warmup):
        run()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(1e3 * (time.process_time() - start))
    return statistics.median(times)


def sphere() -> tuple[Tensor, Tensor, Tensor]:
    """A head-sized sphere: vertices (1, V, 3) in mm, 10,400 faces (F, 3), texture coordinates (V, 2)."""
    mesh = trimesh.creation.uv_sphere(radius=RADIUS, count=[51, 51])
    vertices = torch.tensor(mesh.vertices, dtype=torch.float32)
    vertices = vertices[:, [1, 2, 0]]  # poles up and down
    x, y, z = (vertices / RADIUS).unbind(-1)
    uvs = torch.stack([torch.atan2(x, z) / (2 * math.pi) + 0.5, y.clamp(-1, 1).asin() / math.pi + 0.5], dim=-1)
    return vertices[None], torch.tensor(mesh.faces), uvs


def frontal_camera() -> Tensor:
    """Camera (1, 10) at 1 m in front, whose image a sphere covers by `COVERAGE`."""
    distance = 1000.0
    silhouette = RADIUS / math.sqrt(distance**2 - RADIUS**2)
    focal = 2 * math.sqrt(COVERAGE / math.pi) / silhouette
    return torch.tensor([[0.0, 0, distance, 0, 0, 0, 0, 1, 0, focal]])


def raster_cpu_ms() -> float:
    """The torch rasteriser on one image."""
    vertices, faces, _ = sphere()
    screen = project(vertices, frontal_camera(), SIZE)
    rasterizer = TorchRasterizer()
    return median_cpu_ms(lambda: rasterizer(screen, faces, SIZE))


def render_cpu_ms() -> float:
    """Rendering, forward and backward to vertices, texture, camera and light."""
    vertices, faces, uvs = sphere()
    renderer = Renderer(faces, uvs, faces, SIZE)
    texture = torch.rand(1, 3, TEXTURE_SIDE, TEXTURE_SIDE, generator=torch.Generator().manual_seed(0))
    light = torch.tensor([[300.0, 300, 1000, 0.6, 0.6, 0.6, 0.4, 0.4, 0.4]])
    inputs = [value.requires_grad_() for value in (vertices, texture, frontal_camera(), light)]
    return median_cpu_ms(lambda: torch.autograd.grad(renderer(*inputs).image.mean(), inputs))


def iteration_cpu_ms() -> float:
    """One Adam step of stage 2 at batch 1 with the `laptop` preset: all terms, forward and backward."""
    fitter, photo, landmarks = subject()
    target = fitter.energy.target(photo, landmarks)
    generator = torch.Generator().manual_seed(0)
    leaves = Leaves(fitter.begin(target, generator, People.alone(len(target.photo))))
    adam = RowAdam(leaves.numbers, leaves.rates(fitter.preset.learning_rate, fitter.preset.texture_learning_rate))
    everyone = torch.arange(1)

    def step() -> None:
        fitter.energy.total(fitter.energy.terms(leaves.rows(everyone), target, generator)).sum().backward()
        adam.step(everyone, torch.ones(1))

    return median_cpu_ms(step, repeats=15)


def subject() -> tuple[Fitter, Tensor, Tensor]:
    """The laptop fitter, and a photograph (1, 3, S, S) with landmarks (1, 68, 2): a rendering of a random person."""
    fitter = load_models("laptop", "ganfit").reconstructor.fitter
    generator = torch.Generator().manual_seed(1)
    model, size = fitter.model, fitter.renderer.size
    with torch.no_grad():
        vertices = model(
            0.7 * torch.randn(1, model.n_identity, generator=generator), torch.zeros(1, model.n_expression)
        )
        camera, light = torch.tensor([CAMERA_MEAN]), torch.tensor([LIGHT_MEAN])
        photo = fitter.renderer(vertices, fitter.texture_model.sample(1, generator), camera, light).image.clamp(0, 1)
        return fitter, photo, project(model.landmarks(vertices), camera, size)[..., :2]


def fit_once() -> float:
    """CPU seconds of one whole fit at batch 1."""
    fitter, photo, landmarks = subject()
    image = (photo[0].permute(1, 2, 0) * 255).byte().numpy()
    face = AlignedFace(image, landmarks[0].numpy(), np.eye(2, 3, dtype=np.float32))
    start = time.process_time()
    fitter.fit([face], seed=0)
    return time.process_time() - start


def peak_gib() -> float:
    """Most memory this process has held so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    vertices, faces, _ = sphere()
    covered = TorchRasterizer()(project(vertices, frontal_camera(), SIZE), faces, SIZE) >= 0
    figures = {
        "size": SIZE,
        "faces": len(faces),
        "coverage": round(covered.float().mean().item(), 3),
        "raster_cpu_ms": round(raster_cpu_ms(), 2),
        "render_cpu_ms": round(render_cpu_ms(), 2),
        "iteration_cpu_ms": round(iteration_cpu_ms(), 1),
        "fit_cpu_s": round(fit_once(), 1),
        "peak_gib": round(peak_gib(), 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
