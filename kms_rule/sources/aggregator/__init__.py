"""The keys and results of all accounts and Regions that an aggregator of AWS Config collects from."""
