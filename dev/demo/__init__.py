"""The demonstration: example keys in the emulated account, and the deployed rule at work on them."""
