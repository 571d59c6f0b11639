"""Why the rule answers as it does, for a person who reads one policy."""
