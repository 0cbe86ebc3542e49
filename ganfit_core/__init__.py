"""The GANFIT method: morphable model, texture generator, differentiable renderer, perception and fitting.

Only torch, numpy and small inference libraries are imported here; datasets, measures and orchestration
live in their own packages. Import the submodule you need, e.g. ``from ganfit_core.renderer import Renderer``.
"""
