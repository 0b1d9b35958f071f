"""The commands for users. They call the API of an index with the account of `waybill login`."""
