"""The DynamoDB tables. Only this package calls DynamoDB. `tables.py` describes the content of each table."""
