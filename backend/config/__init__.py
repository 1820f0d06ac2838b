"""Settings, the environment, errors as problem details, and what every request passes."""
