"""Cost of measuring a prediction against a scan: ``python -m benchmarks.icp``. The last line is one JSON object.

The scan is a random head of the open model, subdivided to 51,813 vertices, with 0.2 mm of noise, in a pose of its own;
the prediction is the model's mean head, placed by the 68 landmarks. One thread; the seconds are of the processor
(`time.process_time`), so that other work on the machine does not count.

- icp_s: `measure` by the slowest of the protocols that align by ICP to the scan; icp_protocols_s: by each;
- nicp_s: registering the mean head to the scan;
- parallel_efficiency: 20 such pairs measured by PARALLEL, one after the other and in 2 processes; time on the clock,
  first / (2 x second), which tells something only where nothing else runs. parallel_cpu_growth: how much more of the
  processors' time the two processes take together, which is what they cost each other.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import numpy as np
import open3d  # noqa: F401  here, so that no process counts the second that its import takes
import torch
import trimesh
from scipy.spatial.transform import Rotation

from data import assets
from evaluation.alignment import Prediction, Scan
from evaluation.measure import measure, register
from evaluation.protocols import PROTOCOLS
from evaluation.similarity import Similarity
from ganfit_core.mesh import Surface
from ganfit_core.morphable import MorphableModel
from tasks.processes import in_processes

PARALLEL = "micc/ganfit-paper"
PAIRS, PROCESSES = 20, 2
NOISE_MM = 0.2
SUBDIVISIONS = 2

T = TypeVar("T")


@cache
def model() -> MorphableModel:
    """The open one."""
    return MorphableModel.load(assets.locate("morphable").path)


def mean_head() -> Prediction:
    """The model's mean head."""
    mean = model().mean.double().numpy()
    return Prediction(Surface(mean, model().faces.numpy()), mean[model().landmark_indices])


def scan(seed: int) -> Scan:
    """A scan of another person, for each seed."""
    generator = torch.Generator().manual_seed(seed)
    identity = torch.randn(1, model().n_identity, generator=generator)
    with torch.no_grad():
        head = model()(identity, torch.zeros(1, model().n_expression))[0].double().numpy()
    random = np.random.default_rng(seed)
    pose = Similarity(1.0, Rotation.from_rotvec(random.normal(0, 0.3, 3)).as_matrix(), random.normal(0, 100, 3))
    vertices, faces = head, model().faces.numpy()
    for _ in range(SUBDIVISIONS):
        vertices, faces = trimesh.remesh.subdivide(vertices, faces)
    noisy = vertices + random.normal(0, NOISE_MM, vertices.shape)
    return Scan(Surface(pose.apply(noisy), np.asarray(faces, np.int64)), pose.apply(head[model().landmark_indices]))


def seconds(run: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds of a call, and what it returns."""
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def measured(seed: int) -> tuple[float, float, float]:
    """When the measuring of one pair began and ended on the clock, and its CPU seconds."""
    prediction, other = mean_head(), scan(seed)
    start = time.monotonic()  # the same clock in every process
    took, _ = seconds(lambda: measure(PROTOCOLS[PARALLEL], prediction, other))
    return start, time.monotonic(), took


def elapsed(processes: int) -> tuple[float, float]:
    """Seconds on the clock from the first pair's beginning to the last pair's end, and CPU seconds of all."""
    starts, ends, took = zip(*(times for _, times in in_processes(measured, range(PAIRS), processes)), strict=True)
    return max(ends) - min(starts), sum(took)


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    prediction, one = mean_head(), scan(0)
    by_protocol = {}
    for protocol in PROTOCOLS.values():
        if protocol.needs_registration:
            continue
        calibrated = 1.0 if protocol.scale == "one for all" else None
        took, result = seconds(lambda protocol=protocol, scale=calibrated: measure(protocol, prediction, one, scale))
        by_protocol[protocol.id] = round(took, 2)
        print(f"{protocol.id}: {took:.2f} s, {result.iterations} steps, {result.error:.3f} mm", flush=True)
    nicp_s, registration = seconds(lambda: register(prediction, one))
    print(
        f"NICP: {nicp_s:.1f} s, {registration.result.iterations} steps, {registration.result.rmse:.3f} mm", flush=True
    )
    (alone, alone_cpu), (together, together_cpu) = elapsed(1), elapsed(PROCESSES)
    figures = {
        "scan_vertices": len(one.surface.vertices),
        "template_vertices": len(prediction.surface.vertices),
        "icp_s": max(by_protocol.values()),
        "icp_protocols_s": by_protocol,
        "nicp_s": round(nicp_s, 1),
        "pairs": PAIRS,
        "one_process_s": round(alone, 1),
        "two_processes_s": round(together, 1),
        "parallel_efficiency": round(alone / (PROCESSES * together), 2),
        "parallel_cpu_growth": round(together_cpu / alone_cpu, 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
