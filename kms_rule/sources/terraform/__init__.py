"""The keys in the output of `terraform show -json`."""
