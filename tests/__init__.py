"""What the system promises.

unit: no I/O; functional: HTTP events against moto; clients: real programs; deployed: the packaged artefact.
"""
