"""How hard Hypothesis searches: ``HYPOTHESIS_PROFILE=deep make test`` for the long way round."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile("default", deadline=None, suppress_health_check=SLOW_IS_FINE)
settings.register_profile("deep", deadline=None, max_examples=10_000, suppress_health_check=SLOW_IS_FINE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
