"""Speech recognisers: one Protocol, one file per engine."""
