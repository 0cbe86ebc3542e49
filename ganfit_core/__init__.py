"""The GANFIT method: morphable model, texture generator, differentiable renderer, perception and fitting.

Only torch, numpy and small inference libraries are imported here; datasets, measures and orchestration
live in their own packages. Import the submodule you need, e.g. ``from ganfit_core.renderer import Renderer``.
"""

import os

# Without it Intel's MKL may round a product differently from call to call, depending on where its operands lie in
# memory, and hundreds of Adam steps make a visible difference of that: the same seed must give the same face. MKL reads
# it at its first product, so it need not stand before the import of torch.
os.environ.setdefault("MKL_CBWR", "AUTO")

# Threads of GNU OpenMP wait for each other in a busy loop. Where another program has a core, all wait for the one that
# it delays, again and again: ten times slower was seen. A short loop costs nothing on an idle machine. It is read when
# torch is first imported.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")
