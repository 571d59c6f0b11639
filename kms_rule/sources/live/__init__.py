"""The keys of live accounts."""
