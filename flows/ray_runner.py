"""Prefect's Ray task runner, one shard per GPU. Needs the extra `ray`."""

from __future__ import annotations

from typing import Any

import ray
from prefect_ray import RayTaskRunner
from prefect_ray.context import remote_options


class RayShardRunner(RayTaskRunner):
    """Gives every task a GPU of its own where the cluster has any: Ray sets CUDA_VISIBLE_DEVICES for it."""

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """As prefect_ray.RayTaskRunner.submit."""
        # without max_calls, Ray ends a process after each task that had a GPU, and with it the models that are loaded
        with remote_options(num_gpus=1 if ray.cluster_resources().get("GPU") else 0, max_calls=0):
            return super().submit(*args, **kwargs)
