"""The benchmark of the rule: `python -m bench`. Everything it measures talks to an endpoint of its own on loopback."""
