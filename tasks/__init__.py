"""Prefect tasks: thin wrappers that give the method's steps retries, timeouts and tags."""
