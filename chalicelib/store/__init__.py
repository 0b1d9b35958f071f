"""The PynamoDB tables: the only code that knows DynamoDB. `tables.py` says what each table holds."""
