"""What only people who carry the project on run: none of it is installed with the command."""
