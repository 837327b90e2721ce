"""Brian2, loaded in one place, so that a numpy that does not fit it is named by every way in."""

import numpy as np

try:
    import brian2 as b2
except AttributeError as error:  # numpy.ptp and others, which numpy 2 has no more
    raise ImportError(
        f"Brian2 cannot be loaded with numpy {np.__version__}: {error}. Install the versions that neuromorph asks for: "
        "pip install 'numpy<2' (pip check names what else does not fit)."
    ) from error

__all__ = ["b2"]
