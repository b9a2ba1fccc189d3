"""Read what a campaign is to measure: the catalogue of apps, experiments, the plan of runs."""
