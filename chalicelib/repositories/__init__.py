"""Repositories: authorization, image lists, collaborators and search."""
