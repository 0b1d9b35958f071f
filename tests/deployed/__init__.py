"""Tests of the Lambda package: its content, its runtime and its deployment to an emulator."""
