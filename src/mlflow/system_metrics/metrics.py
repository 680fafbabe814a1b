"""What can be measured: each probe is a function that tells some metrics by name.

Probes are many and small, so that one that fails takes nothing else with it. A megabyte is 10^6
bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

Probe = Callable[[], dict[str, float]]

TOTALS = frozenset({"network_receive_megabytes", "network_transmit_megabytes"})
"""Metrics that count since the start: their last value matters, not the mean."""


def probes() -> list[Probe]:
    """All that this machine has. GPUs are found with `pynvml` (NVIDIA) or `pyrsmi` (AMD)."""
    from mlflow.utils.optional import require

    psutil = require("psutil", purpose="system metrics")
    psutil.cpu_percent()  # each call measures since the one before
    return [_processor, _memory, _disk, _network_since_now(), *_gpus()]


def _processor() -> dict[str, float]:
    import psutil

    return {"cpu_utilization_percentage": psutil.cpu_percent()}


def _memory() -> dict[str, float]:
    import psutil

    memory = psutil.virtual_memory()
    return {
        "system_memory_usage_megabytes": memory.used / 1e6,
        "system_memory_usage_percentage": memory.used / memory.total * 100,
    }


def _disk() -> dict[str, float]:
    import psutil

    disk = psutil.disk_usage(os.path.abspath(os.sep))
    return {
        "disk_usage_percentage": disk.percent,
        "disk_usage_megabytes": disk.used / 1e6,
        "disk_available_megabytes": disk.free / 1e6,
    }


def _network_since_now() -> Probe:
    import psutil

    start: list[Any] = []

    def network() -> dict[str, float]:
        now = psutil.net_io_counters()
        if now is None:  # no network at all
            return {}
        if not start:
            start.append(now)
        return {
            "network_receive_megabytes": (now.bytes_recv - start[0].bytes_recv) / 1e6,
            "network_transmit_megabytes": (now.bytes_sent - start[0].bytes_sent) / 1e6,
        }

    with suppress(Exception):  # where it is forbidden, the next call will tell
        network()
    return network


def _gpus() -> list[Probe]:
    for find in (_nvidia, _amd):
        try:
            return list(find())
        except Exception as error:  # no library, no driver, no device: each says it in its own way
            from mlflow.utils.logging_utils import get_logger

            get_logger(__name__).debug("No GPU metrics from %s: %s", find.__name__, error)
    return []


def _nvidia() -> Iterator[Probe]:
    import pynvml

    pynvml.nvmlInit()
    for index in range(pynvml.nvmlDeviceGetCount()):
        device = pynvml.nvmlDeviceGetHandleByIndex(index)
        for probe in (_nvidia_memory, _nvidia_utilization, _nvidia_power):
            yield partial(probe, pynvml, device, f"gpu_{index}")


def _nvidia_memory(nvml: Any, device: Any, gpu: str) -> dict[str, float]:
    memory = nvml.nvmlDeviceGetMemoryInfo(device)
    return {
        f"{gpu}_memory_usage_percentage": memory.used / memory.total * 100,
        f"{gpu}_memory_usage_megabytes": memory.used / 1e6,
    }


def _nvidia_utilization(nvml: Any, device: Any, gpu: str) -> dict[str, float]:
    return {f"{gpu}_utilization_percentage": nvml.nvmlDeviceGetUtilizationRates(device).gpu}


def _nvidia_power(nvml: Any, device: Any, gpu: str) -> dict[str, float]:
    milliwatts = nvml.nvmlDeviceGetPowerUsage(device)
    limit = nvml.nvmlDeviceGetEnforcedPowerLimit(device)
    return {
        f"{gpu}_power_usage_watts": milliwatts / 1000,
        f"{gpu}_power_usage_percentage": milliwatts / limit * 100,
    }


def _amd() -> Iterator[Probe]:
    from pyrsmi import rocml

    rocml.smi_initialize()
    for index in range(rocml.smi_get_device_count()):
        for probe in (_amd_memory, _amd_utilization, _amd_power):
            yield partial(probe, rocml, index)


def _amd_memory(rocml: Any, index: int) -> dict[str, float]:
    used, total = rocml.smi_get_device_memory_used(index), rocml.smi_get_device_memory_total(index)
    return {
        f"gpu_{index}_memory_usage_percentage": used / total * 100,
        f"gpu_{index}_memory_usage_gigabytes": used / 1e9,
    }


def _amd_utilization(rocml: Any, index: int) -> dict[str, float]:
    return {f"gpu_{index}_utilization_percentage": rocml.smi_get_device_utilization(index)}


def _amd_power(rocml: Any, index: int) -> dict[str, float]:
    # A share of the limit is not told: the library does not know the limit
    return {f"gpu_{index}_power_usage_watts": rocml.smi_get_device_average_power(index)}
