"""Where torch computes."""

import torch


def checked_device(name: str) -> torch.device:
    """The device of that name. Raises ``ValueError`` where torch cannot compute on it here."""
    try:
        one = torch.ones(1, device=name)
        one.item()  # of "meta" and the like there are tensors, but no numbers
        return one.device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f"torch cannot compute on the device '{name}' here: use --device cpu.") from error
