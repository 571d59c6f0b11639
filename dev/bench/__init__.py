"""The benchmark of the rule: `python -m dev.bench`. What it measures talks to an endpoint of its own on loopback."""
