"""What would make a key policy compliant, as far as it can be proposed."""
