"""The actions that a bearer token grants, for each kind of principal and each kind of repository."""

PUBLIC = """\
| principal                   | pull | push | delete | pull,push | *                  |
| --------------------------- | ---- | ---- | ------ | --------- | ------------------ |
| anonymous                   | pull | -    | -      | pull      | pull               |
| wrong password              | 401  | 401  | 401    | 401       | 401                |
| stranger                    | pull | -    | -      | pull      | pull               |
| inactive                    | 403  | 403  | 403    | 403       | 403                |
| reader                      | pull | -    | -      | pull      | pull               |
| writer                      | pull | push | -      | pull,push | pull,push          |
| repository admin            | pull | push | delete | pull,push | pull,push,delete,* |
| owner                       | pull | push | delete | pull,push | pull,push,delete,* |
| administrator               | pull | push | delete | pull,push | pull,push,delete,* |
| robot read                  | pull | -    | -      | pull      | pull               |
| robot write                 | pull | push | -      | pull,push | pull,push          |
| robot of other repositories | pull | -    | -      | pull      | pull               |
| expired robot               | 401  | 401  | 401    | 401       | 401                |
| revoked robot               | 401  | 401  | 401    | 401       | 401                |
| writer's robot              | pull | push | -      | pull,push | pull,push          |
| administrator's robot       | pull | -    | -      | pull      | pull               |
| read token                  | 401  | 401  | 401    | 401       | 401                |
| write token                 | 401  | 401  | 401    | 401       | 401                |
| delete token                | 401  | 401  | 401    | 401       | 401                |
"""

PRIVATE = """\
| principal                   | pull | push | delete | pull,push | *                  |
| --------------------------- | ---- | ---- | ------ | --------- | ------------------ |
| anonymous                   | -    | -    | -      | -         | -                  |
| wrong password              | 401  | 401  | 401    | 401       | 401                |
| stranger                    | -    | -    | -      | -         | -                  |
| inactive                    | 403  | 403  | 403    | 403       | 403                |
| reader                      | pull | -    | -      | pull      | pull               |
| writer                      | pull | push | -      | pull,push | pull,push          |
| repository admin            | pull | push | delete | pull,push | pull,push,delete,* |
| owner                       | pull | push | delete | pull,push | pull,push,delete,* |
| administrator               | pull | push | delete | pull,push | pull,push,delete,* |
| robot read                  | pull | -    | -      | pull      | pull               |
| robot write                 | pull | push | -      | pull,push | pull,push          |
| robot of other repositories | -    | -    | -      | -         | -                  |
| expired robot               | 401  | 401  | 401    | 401       | 401                |
| revoked robot               | 401  | 401  | 401    | 401       | 401                |
| writer's robot              | pull | push | -      | pull,push | pull,push          |
| administrator's robot       | -    | -    | -      | -         | -                  |
| read token                  | 401  | 401  | 401    | 401       | 401                |
| write token                 | 401  | 401  | 401    | 401       | 401                |
| delete token                | 401  | 401  | 401    | 401       | 401                |
"""

LIBRARY = """\
| principal                   | pull | push | delete | pull,push | *                  |
| --------------------------- | ---- | ---- | ------ | --------- | ------------------ |
| anonymous                   | pull | -    | -      | pull      | pull               |
| wrong password              | 401  | 401  | 401    | 401       | 401                |
| stranger                    | pull | -    | -      | pull      | pull               |
| inactive                    | 403  | 403  | 403    | 403       | 403                |
| reader                      | pull | -    | -      | pull      | pull               |
| writer                      | pull | -    | -      | pull      | pull               |
| repository admin            | pull | -    | -      | pull      | pull               |
| owner                       | pull | -    | -      | pull      | pull               |
| administrator               | pull | push | delete | pull,push | pull,push,delete,* |
| robot read                  | pull | -    | -      | pull      | pull               |
| robot write                 | pull | -    | -      | pull      | pull               |
| robot of other repositories | pull | -    | -      | pull      | pull               |
| expired robot               | 401  | 401  | 401    | 401       | 401                |
| revoked robot               | 401  | 401  | 401    | 401       | 401                |
| writer's robot              | pull | -    | -      | pull      | pull               |
| administrator's robot       | pull | push | -      | pull,push | pull,push          |
| read token                  | 401  | 401  | 401    | 401       | 401                |
| write token                 | 401  | 401  | 401    | 401       | 401                |
| delete token                | 401  | 401  | 401    | 401       | 401                |
"""

DELETED = """\
| principal                   | pull | push | delete | pull,push | *                  |
| --------------------------- | ---- | ---- | ------ | --------- | ------------------ |
| anonymous                   | -    | -    | -      | -         | -                  |
| wrong password              | 401  | 401  | 401    | 401       | 401                |
| stranger                    | -    | -    | -      | -         | -                  |
| inactive                    | 403  | 403  | 403    | 403       | 403                |
| reader                      | -    | -    | -      | -         | -                  |
| writer                      | -    | -    | -      | -         | -                  |
| repository admin            | -    | -    | -      | -         | -                  |
| owner                       | pull | push | delete | pull,push | pull,push,delete,* |
| administrator               | pull | push | delete | pull,push | pull,push,delete,* |
| robot read                  | pull | -    | -      | pull      | pull               |
| robot write                 | pull | push | -      | pull,push | pull,push          |
| robot of other repositories | -    | -    | -      | -         | -                  |
| expired robot               | 401  | 401  | 401    | 401       | 401                |
| revoked robot               | 401  | 401  | 401    | 401       | 401                |
| writer's robot              | -    | -    | -      | -         | -                  |
| administrator's robot       | -    | -    | -      | -         | -                  |
| read token                  | 401  | 401  | 401    | 401       | 401                |
| write token                 | 401  | 401  | 401    | 401       | 401                |
| delete token                | 401  | 401  | 401    | 401       | 401                |
"""

MISSING = """\
| principal                   | pull | push | delete | pull,push | *                  |
| --------------------------- | ---- | ---- | ------ | --------- | ------------------ |
| anonymous                   | -    | -    | -      | -         | -                  |
| wrong password              | 401  | 401  | 401    | 401       | 401                |
| stranger                    | -    | -    | -      | -         | -                  |
| inactive                    | 403  | 403  | 403    | 403       | 403                |
| reader                      | -    | -    | -      | -         | -                  |
| writer                      | -    | -    | -      | -         | -                  |
| repository admin            | -    | -    | -      | -         | -                  |
| owner                       | pull | push | delete | pull,push | pull,push,delete,* |
| administrator               | pull | push | delete | pull,push | pull,push,delete,* |
| robot read                  | pull | -    | -      | pull      | pull               |
| robot write                 | pull | push | -      | pull,push | pull,push          |
| robot of other repositories | -    | -    | -      | -         | -                  |
| expired robot               | 401  | 401  | 401    | 401       | 401                |
| revoked robot               | 401  | 401  | 401    | 401       | 401                |
| writer's robot              | -    | -    | -      | -         | -                  |
| administrator's robot       | -    | -    | -      | -         | -                  |
| read token                  | 401  | 401  | 401    | 401       | 401                |
| write token                 | 401  | 401  | 401    | 401       | 401                |
| delete token                | 401  | 401  | 401    | 401       | 401                |
"""

UNOWNED = """\
| principal                   | pull | push | delete | pull,push | *    |
| --------------------------- | ---- | ---- | ------ | --------- | ---- |
| anonymous                   | pull | -    | -      | pull      | pull |
| wrong password              | 401  | 401  | 401    | 401       | 401  |
| stranger                    | pull | -    | -      | pull      | pull |
| inactive                    | 403  | 403  | 403    | 403       | 403  |
| reader                      | pull | -    | -      | pull      | pull |
| writer                      | pull | -    | -      | pull      | pull |
| repository admin            | pull | -    | -      | pull      | pull |
| owner                       | pull | -    | -      | pull      | pull |
| administrator               | -    | -    | -      | -         | -    |
| robot read                  | pull | -    | -      | pull      | pull |
| robot write                 | pull | -    | -      | pull      | pull |
| robot of other repositories | pull | -    | -      | pull      | pull |
| expired robot               | 401  | 401  | 401    | 401       | 401  |
| revoked robot               | 401  | 401  | 401    | 401       | 401  |
| writer's robot              | pull | -    | -      | pull      | pull |
| administrator's robot       | pull | -    | -      | pull      | pull |
| read token                  | 401  | 401  | 401    | 401       | 401  |
| write token                 | 401  | 401  | 401    | 401       | 401  |
| delete token                | 401  | 401  | 401    | 401       | 401  |
"""

UNOWNED_MISSING = """\
| principal                   | pull | push | delete | pull,push | *   |
| --------------------------- | ---- | ---- | ------ | --------- | --- |
| anonymous                   | -    | -    | -      | -         | -   |
| wrong password              | 401  | 401  | 401    | 401       | 401 |
| stranger                    | -    | -    | -      | -         | -   |
| inactive                    | 403  | 403  | 403    | 403       | 403 |
| reader                      | -    | -    | -      | -         | -   |
| writer                      | -    | -    | -      | -         | -   |
| repository admin            | -    | -    | -      | -         | -   |
| owner                       | -    | -    | -      | -         | -   |
| administrator               | -    | -    | -      | -         | -   |
| robot read                  | -    | -    | -      | -         | -   |
| robot write                 | -    | -    | -      | -         | -   |
| robot of other repositories | -    | -    | -      | -         | -   |
| expired robot               | 401  | 401  | 401    | 401       | 401 |
| revoked robot               | 401  | 401  | 401    | 401       | 401 |
| writer's robot              | -    | -    | -      | -         | -   |
| administrator's robot       | -    | -    | -      | -         | -   |
| read token                  | 401  | 401  | 401    | 401       | 401 |
| write token                 | 401  | 401  | 401    | 401       | 401 |
| delete token                | 401  | 401  | 401    | 401       | 401 |
"""

ORGANIZATION_PUBLIC = """\
| principal                   | pull | push | delete | pull,push | *                  |
| --------------------------- | ---- | ---- | ------ | --------- | ------------------ |
| anonymous                   | pull | -    | -      | pull      | pull               |
| wrong password              | 401  | 401  | 401    | 401       | 401                |
| stranger                    | pull | -    | -      | pull      | pull               |
| inactive                    | 403  | 403  | 403    | 403       | 403                |
| reader                      | pull | -    | -      | pull      | pull               |
| writer                      | pull | push | -      | pull,push | pull,push          |
| repository admin            | pull | push | delete | pull,push | pull,push,delete,* |
| owner                       | pull | -    | -      | pull      | pull               |
| administrator               | pull | push | delete | pull,push | pull,push,delete,* |
| robot read                  | pull | -    | -      | pull      | pull               |
| robot write                 | pull | -    | -      | pull      | pull               |
| robot of other repositories | pull | -    | -      | pull      | pull               |
| expired robot               | 401  | 401  | 401    | 401       | 401                |
| revoked robot               | 401  | 401  | 401    | 401       | 401                |
| writer's robot              | pull | push | -      | pull,push | pull,push          |
| administrator's robot       | pull | -    | -      | pull      | pull               |
| read token                  | 401  | 401  | 401    | 401       | 401                |
| write token                 | 401  | 401  | 401    | 401       | 401                |
| delete token                | 401  | 401  | 401    | 401       | 401                |
| member read                 | pull | -    | -      | pull      | pull               |
| member write                | pull | push | -      | pull,push | pull,push          |
| member admin                | pull | push | delete | pull,push | pull,push,delete,* |
| former member               | pull | -    | -      | pull      | pull               |
| organization robot read     | pull | -    | -      | pull      | pull               |
| organization robot write    | pull | push | -      | pull,push | pull,push          |
| expired organization robot  | 401  | 401  | 401    | 401       | 401                |
| revoked organization robot  | 401  | 401  | 401    | 401       | 401                |
"""

ORGANIZATION_PRIVATE = """\
| principal                   | pull | push | delete | pull,push | *                  |
| --------------------------- | ---- | ---- | ------ | --------- | ------------------ |
| anonymous                   | -    | -    | -      | -         | -                  |
| wrong password              | 401  | 401  | 401    | 401       | 401                |
| stranger                    | -    | -    | -      | -         | -                  |
| inactive                    | 403  | 403  | 403    | 403       | 403                |
| reader                      | pull | -    | -      | pull      | pull               |
| writer                      | pull | push | -      | pull,push | pull,push          |
| repository admin            | pull | push | delete | pull,push | pull,push,delete,* |
| owner                       | -    | -    | -      | -         | -                  |
| administrator               | pull | push | delete | pull,push | pull,push,delete,* |
| robot read                  | -    | -    | -      | -         | -                  |
| robot write                 | -    | -    | -      | -         | -                  |
| robot of other repositories | -    | -    | -      | -         | -                  |
| expired robot               | 401  | 401  | 401    | 401       | 401                |
| revoked robot               | 401  | 401  | 401    | 401       | 401                |
| writer's robot              | pull | push | -      | pull,push | pull,push          |
| administrator's robot       | -    | -    | -      | -         | -                  |
| read token                  | 401  | 401  | 401    | 401       | 401                |
| write token                 | 401  | 401  | 401    | 401       | 401                |
| delete token                | 401  | 401  | 401    | 401       | 401                |
| member read                 | pull | -    | -      | pull      | pull               |
| member write                | pull | push | -      | pull,push | pull,push          |
| member admin                | pull | push | delete | pull,push | pull,push,delete,* |
| former member               | -    | -    | -      | -         | -                  |
| organization robot read     | pull | -    | -      | pull      | pull               |
| organization robot write    | pull | push | -      | pull,push | pull,push          |
| expired organization robot  | 401  | 401  | 401    | 401       | 401                |
| revoked organization robot  | 401  | 401  | 401    | 401       | 401                |
"""

ORGANIZATION_DELETED = """\
| principal                   | pull | push | delete | pull,push | *                  |
| --------------------------- | ---- | ---- | ------ | --------- | ------------------ |
| anonymous                   | -    | -    | -      | -         | -                  |
| wrong password              | 401  | 401  | 401    | 401       | 401                |
| stranger                    | -    | -    | -      | -         | -                  |
| inactive                    | 403  | 403  | 403    | 403       | 403                |
| reader                      | -    | -    | -      | -         | -                  |
| writer                      | -    | -    | -      | -         | -                  |
| repository admin            | -    | -    | -      | -         | -                  |
| owner                       | -    | -    | -      | -         | -                  |
| administrator               | pull | push | delete | pull,push | pull,push,delete,* |
| robot read                  | -    | -    | -      | -         | -                  |
| robot write                 | -    | -    | -      | -         | -                  |
| robot of other repositories | -    | -    | -      | -         | -                  |
| expired robot               | 401  | 401  | 401    | 401       | 401                |
| revoked robot               | 401  | 401  | 401    | 401       | 401                |
| writer's robot              | -    | -    | -      | -         | -                  |
| administrator's robot       | -    | -    | -      | -         | -                  |
| read token                  | 401  | 401  | 401    | 401       | 401                |
| write token                 | 401  | 401  | 401    | 401       | 401                |
| delete token                | 401  | 401  | 401    | 401       | 401                |
| member read                 | pull | -    | -      | pull      | pull               |
| member write                | pull | push | -      | pull,push | pull,push          |
| member admin                | pull | push | delete | pull,push | pull,push,delete,* |
| former member               | -    | -    | -      | -         | -                  |
| organization robot read     | pull | -    | -      | pull      | pull               |
| organization robot write    | pull | push | -      | pull,push | pull,push          |
| expired organization robot  | 401  | 401  | 401    | 401       | 401                |
| revoked organization robot  | 401  | 401  | 401    | 401       | 401                |
"""

ORGANIZATION_MISSING = """\
| principal                   | pull | push | delete | pull,push | *                  |
| --------------------------- | ---- | ---- | ------ | --------- | ------------------ |
| anonymous                   | -    | -    | -      | -         | -                  |
| wrong password              | 401  | 401  | 401    | 401       | 401                |
| stranger                    | -    | -    | -      | -         | -                  |
| inactive                    | 403  | 403  | 403    | 403       | 403                |
| reader                      | -    | -    | -      | -         | -                  |
| writer                      | -    | -    | -      | -         | -                  |
| repository admin            | -    | -    | -      | -         | -                  |
| owner                       | -    | -    | -      | -         | -                  |
| administrator               | pull | push | delete | pull,push | pull,push,delete,* |
| robot read                  | -    | -    | -      | -         | -                  |
| robot write                 | -    | -    | -      | -         | -                  |
| robot of other repositories | -    | -    | -      | -         | -                  |
| expired robot               | 401  | 401  | 401    | 401       | 401                |
| revoked robot               | 401  | 401  | 401    | 401       | 401                |
| writer's robot              | -    | -    | -      | -         | -                  |
| administrator's robot       | -    | -    | -      | -         | -                  |
| read token                  | 401  | 401  | 401    | 401       | 401                |
| write token                 | 401  | 401  | 401    | 401       | 401                |
| delete token                | 401  | 401  | 401    | 401       | 401                |
| member read                 | pull | -    | -      | pull      | pull               |
| member write                | pull | push | -      | pull,push | pull,push          |
| member admin                | pull | push | delete | pull,push | pull,push,delete,* |
| former member               | -    | -    | -      | -         | -                  |
| organization robot read     | pull | -    | -      | pull      | pull               |
| organization robot write    | pull | push | -      | pull,push | pull,push          |
| expired organization robot  | 401  | 401  | 401    | 401       | 401                |
| revoked organization robot  | 401  | 401  | 401    | 401       | 401                |
"""
