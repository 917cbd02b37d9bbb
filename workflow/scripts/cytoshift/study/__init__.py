"""The study file: models, reading, problems, documentation."""
