"""How hard Hypothesis searches (``HYPOTHESIS_PROFILE=deep make test`` for the long way round), and how long slow tests
may take."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile("default", deadline=None, suppress_health_check=SLOW_IS_FINE)
settings.register_profile("deep", deadline=None, max_examples=10_000, suppress_health_check=SLOW_IS_FINE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

SLOW_SECONDS = 600
"""The longest of them takes 40 s on an idle machine; on one that others use too, 130 s were seen."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_SECONDS))
