"""prefect.yaml: every deployment is a flow of this repository, and could run as it stands there."""

from __future__ import annotations

import datetime
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cronsim import CronSim
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.testing.utilities import prefect_test_harness

from ganfit_core.methods import METHODS

ROOT = Path(__file__).parents[1]
DESCRIBED = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
DEPLOYMENTS = {deployment["name"]: deployment for deployment in DESCRIBED["deployments"]}
ENVIRONMENT = {"GANFIT_HOME", "GANFIT_PHOTOS", "GANFIT_OUT", "GANFIT_DATASETS"}
"""Variables that docs/deployment.md has people set."""
GIVEN_ON_DEMAND: dict[str, dict[str, Any]] = {
    "nightly": {},
    "reconstruct": {"inputs": ["photos"], "out": "out"},
    "fit-video": {"video": "a.mp4", "out": "out"},
    "micc": {},
    "lfw-evaluation": {},
    "quality-evaluation": {"inputs": ["photos"]},
    "benchmark": {"methods": ["fast"]},
    "textures-evaluation": {"maps": "maps"},
}
"""What a run of each has to be given."""


def flow_of(name: str) -> Flow[Any, Any]:
    """The flow of a deployment."""
    path, function = DEPLOYMENTS[name]["entrypoint"].split(":")
    return load_flow_from_entrypoint(f"{ROOT / path}:{function}")


def test_what_runs_on_schedules_and_on_demand_is_there() -> None:
    assert DEPLOYMENTS.keys() == GIVEN_ON_DEMAND.keys()
    assert [name for name, deployment in DEPLOYMENTS.items() if "schedules" in deployment] == ["nightly"]


@pytest.mark.parametrize("name", GIVEN_ON_DEMAND)
def test_the_parameters_with_what_is_given_on_demand_are_those_of_the_flow(name: str) -> None:
    flow, parameters = flow_of(name), DEPLOYMENTS[name].get("parameters", {})
    given = GIVEN_ON_DEMAND[name]
    required = {p.name for p in inspect.signature(flow.fn).parameters.values() if p.default is p.empty}
    assert required - parameters.keys() == given.keys()
    flow.validate_parameters(parameters | given)


@pytest.mark.parametrize("name", GIVEN_ON_DEMAND)
def test_methods_and_files_that_are_named_exist(name: str) -> None:
    parameters = DEPLOYMENTS[name].get("parameters", {})
    assert parameters.get("method", "fast") in METHODS
    assert all((ROOT / path).is_file() for path in parameters.get("models", {}).values())


def test_only_documented_variables_of_the_environment_are_read() -> None:
    text = (ROOT / "prefect.yaml").read_text("utf-8")
    assert set(re.findall(r"\{\{ \$(\w+) \}\}", text)) == ENVIRONMENT
    guide = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    assert [name for name in sorted(ENVIRONMENT) if name not in guide] == []


def test_fitting_and_measuring_have_pools_of_their_own() -> None:
    pools = {name: deployment["work_pool"]["name"] for name, deployment in DEPLOYMENTS.items()}
    assert pools == dict.fromkeys(GIVEN_ON_DEMAND, "gpu") | {"textures-evaluation": "cpu"}


def test_warnings_about_units_reach_the_log_of_the_flow_run() -> None:
    environments = [deployment["work_pool"]["job_variables"]["env"] for deployment in DEPLOYMENTS.values()]
    assert environments == [environments[0]] * len(GIVEN_ON_DEMAND)
    command = [
        sys.executable,
        "-c",
        "import logging; from prefect import flow; print(logging.getLogger('tasks').handlers)",
    ]
    told = subprocess.run(command, env=os.environ | environments[0], capture_output=True, text=True, check=True)
    assert "APILogHandler" in told.stdout


def test_a_nightly_run_starts_once_a_day_and_never_beside_another() -> None:
    nightly = DEPLOYMENTS["nightly"]
    (schedule,) = nightly["schedules"]
    assert schedule["active"] is True
    times = CronSim(schedule["cron"], datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    assert next(times) + datetime.timedelta(days=1) == next(times)
    assert nightly["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


def test_the_server_turns_the_schedule_into_runs() -> None:
    (schedule,) = DEPLOYMENTS["nightly"]["schedules"]
    cron = CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])
    with prefect_test_harness(server_startup_timeout=120), get_client(sync_client=True) as client:
        flow = client.create_flow(flow_of("nightly"))
        deployment = client.create_deployment(flow, "nightly", schedules=[DeploymentScheduleCreate(schedule=cron)])
        client.request("POST", "/deployments/{id}/schedule", path_params={"id": deployment})  # else within a minute
        starts = [run.expected_start_time for run in client.read_flow_runs()]
    assert len(starts) >= 3
    assert {(start.hour, start.minute) for start in starts if start} == {(2, 0)}
