"""Copies between the memory of the host and of a CUDA device, for which nothing waits. Torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Copies:
    """Copies to and from one device, on its own stream beside the one that computes.

    Only pinned memory is copied so; torch keeps a pinned block until the copies of it are done.

    Args:
        device: A CUDA device.
    """

    def __init__(self, device: torch.device) -> None:
        self._device: Final = device
        self._stream: Final = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def to_device(self, host: Tensor) -> Tensor:
        """Starts a copy that the device's present stream, and not the caller, will wait for."""
        with torch.cuda.stream(self._stream):
            copied = host.to(self._device, non_blocking=True)
        computing = torch.cuda.current_stream(self._device)
        computing.wait_stream(self._stream)
        copied.record_stream(computing)  # or its memory might be used anew while it is read
        return copied

    def to_host(self, values: Tensor) -> Callable[[], NDArray[np.float32]]:
        """Starts the copy of float32 values behind the work that makes them.

        Returns:
            Waits for that copy, but not for work that was started later, and gives the values.
        """
        host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        host.copy_(values, non_blocking=True)
        done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record(torch.cuda.current_stream(self._device))

        def wait() -> NDArray[np.float32]:
            done.synchronize()
            return host.numpy().copy()  # pinned memory is scarce, and vectors may be kept for long

        return wait
