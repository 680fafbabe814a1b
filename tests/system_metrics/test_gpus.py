"""GPU probes against the surface of the vendors' libraries: the machines that test have no GPU."""

import sys
import types

import pytest

from mlflow.system_metrics.metrics import _gpus


@pytest.fixture
def nvml(monkeypatch):
    library = types.ModuleType("pynvml")
    library.nvmlInit = lambda: None
    library.nvmlDeviceGetCount = lambda: 2
    library.nvmlDeviceGetHandleByIndex = lambda index: index
    library.nvmlDeviceGetMemoryInfo = lambda device: types.SimpleNamespace(
        total=8_000_000_000, used=2_000_000_000 * (device + 1)
    )
    library.nvmlDeviceGetUtilizationRates = lambda device: types.SimpleNamespace(gpu=37, memory=12)
    library.nvmlDeviceGetPowerUsage = lambda device: 125_000
    library.nvmlDeviceGetEnforcedPowerLimit = lambda device: 250_000
    monkeypatch.setitem(sys.modules, "pynvml", library)
    return library


@pytest.fixture
def rocm(monkeypatch):
    library = types.ModuleType("pyrsmi.rocml")
    library.smi_initialize = lambda: None
    library.smi_get_device_count = lambda: 1
    library.smi_get_device_memory_used = lambda index: 2_000_000_000
    library.smi_get_device_memory_total = lambda index: 8_000_000_000
    library.smi_get_device_utilization = lambda index: 37
    library.smi_get_device_average_power = lambda index: 123.4
    package = types.ModuleType("pyrsmi")
    package.rocml = library
    monkeypatch.setitem(sys.modules, "pyrsmi", package)
    monkeypatch.setitem(sys.modules, "pyrsmi.rocml", library)
    return library


def told(probes):
    values = {}
    for probe in probes:
        values.update(probe())
    return values


def test_nvidia(nvml):
    assert told(_gpus()) == {
        "gpu_0_memory_usage_percentage": 25.0,
        "gpu_0_memory_usage_megabytes": 2000.0,
        "gpu_0_utilization_percentage": 37,
        "gpu_0_power_usage_watts": 125.0,
        "gpu_0_power_usage_percentage": 50.0,
        "gpu_1_memory_usage_percentage": 50.0,
        "gpu_1_memory_usage_megabytes": 4000.0,
        "gpu_1_utilization_percentage": 37,
        "gpu_1_power_usage_watts": 125.0,
        "gpu_1_power_usage_percentage": 50.0,
    }


def test_amd(rocm, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert told(_gpus()) == {
        "gpu_0_memory_usage_percentage": 25.0,
        "gpu_0_memory_usage_gigabytes": 2.0,
        "gpu_0_utilization_percentage": 37,
        "gpu_0_power_usage_watts": 123.4,
    }


def test_card_that_does_not_tell_its_power_tells_the_rest(nvml):
    def refuse(device):
        raise RuntimeError("not supported")

    nvml.nvmlDeviceGetPowerUsage = refuse
    working = []
    for probe in _gpus():
        try:
            working += probe()
        except RuntimeError:
            continue
    assert working == [
        f"gpu_{index}_{name}"
        for index in (0, 1)
        for name in ("memory_usage_percentage", "memory_usage_megabytes", "utilization_percentage")
    ]


def test_machine_without_gpus(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setitem(sys.modules, "pyrsmi", None)
    assert _gpus() == []
