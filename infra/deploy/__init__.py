"""Deploys an index to AWS: `waybill deploy`, `status`, `logs`, `rollback` and `destroy`.

`commands.py` defines the commands. `deploy.py` defines their steps. Each of the other modules uses one AWS service.
"""
