"""The packaged artefact under the programs that it will meet."""
