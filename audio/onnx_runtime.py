"""Which ONNX Runtime is at work, and sessions that keep to one thread.

``onnxruntime`` and ``onnxruntime-gpu`` both install the one module ``onnxruntime``: with both installed,
the files of the one installed last win, whatever each claims. Installing the ``gpu`` extra over the base
therefore works; a later upgrade of plain ``onnxruntime`` takes the GPU away again without a word. So what
counts is what the imported module says of itself, and ``describe_runtime`` compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

import onnxruntime

DISTRIBUTIONS = ("onnxruntime", "onnxruntime-gpu")


@dataclass(frozen=True, slots=True)
class RuntimeDescription:
    """``installed``: distributions that provide the module, with versions. ``winner``: the one whose files are there,
    ``None`` if it can't be told. ``providers``: what the imported module can run on."""

    version: str
    installed: dict[str, str]
    winner: str | None
    providers: tuple[str, ...]

    @property
    def advice(self) -> str | None:
        """A sentence for ``doctor`` where something should be done, else ``None``."""
        if len(self.installed) > 1 and self.winner != "onnxruntime-gpu":
            return (
                "onnxruntime has overwritten onnxruntime-gpu; "
                "run: pip uninstall onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu"
            )
        return None


def describe_runtime() -> RuntimeDescription:
    """What is imported, and what the package metadata claims."""
    installed = {name: version for name in DISTRIBUTIONS if (version := _installed_version(name))}
    providers = tuple(onnxruntime.get_available_providers())
    return RuntimeDescription(onnxruntime.__version__, installed, find_winner(tuple(installed), providers), providers)


def find_winner(installed: tuple[str, ...], providers: tuple[str, ...]) -> str | None:
    """By what the module can do: only the GPU build names CUDA or TensorRT among its available providers."""
    if len(installed) == 1:
        return installed[0]
    has_cuda = any(provider.startswith(("CUDA", "Tensorrt")) for provider in providers)
    wanted = "onnxruntime-gpu" if has_cuda else "onnxruntime"
    return wanted if wanted in installed else None


def _installed_version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def one_thread_session(path: str) -> onnxruntime.InferenceSession:
    """A CPU session that starts no threads of its own: for small models that run often."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
