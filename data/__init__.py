"""Datasets, collections of photographs, table schemas and the registry of assets."""
