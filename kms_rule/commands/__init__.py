"""The commands of `kms-rule`, a module each with a function `run`; what one needs is loaded when it runs."""
