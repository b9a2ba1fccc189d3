"""What a campaign is asked to measure: the catalogue of apps, experiments and the plan of runs."""
