"""Where torch computes."""

import torch


def checked_device(name: str) -> torch.device:
    """The device of that name. Raises ``ValueError`` where torch cannot compute on it here."""
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"torch cannot compute on the device '{name}' here: use --device cpu.") from error
