"""Prefect flows, one file each, and the command line."""

import os

# Read by prefect when it is first imported. People's photographs are processed here: nothing is reported.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
