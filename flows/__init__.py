"""Prefect flows, one file each, and the command line."""

import os

# Read by prefect when it is first imported. People's photographs are processed here: nothing is reported.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
# A run on Ray or Dask without a server starts one for itself; a busy machine needs more for that than Prefect's 20 s.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
