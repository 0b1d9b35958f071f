"""The expected result of each page and form for each account and each kind of repository."""

PUBLIC = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 200   | 200    | 303      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| stranger         | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| inactive         | 200   | 200    | 303      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| reader           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| writer           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 409    | 403    |
| repository admin | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
| owner            | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
| administrator    | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
"""

PRIVATE = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| stranger         | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| inactive         | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| reader           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| writer           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 409    | 403    |
| repository admin | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
| owner            | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
| administrator    | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
"""

LIBRARY = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 200   | 200    | 303      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| stranger         | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| inactive         | 200   | 200    | 303      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| reader           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| writer           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| repository admin | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| owner            | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| administrator    | 200   | 200    | 200      | 303      | 400   | 404     | shown  | shown | 409    | 303    |
"""

DELETED = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| stranger         | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| inactive         | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| reader           | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| writer           | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| repository admin | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| owner            | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 303    | 303    |
| administrator    | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 303    | 303    |
"""

MISSING = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| stranger         | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| inactive         | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| reader           | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| writer           | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| repository admin | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| owner            | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 303    | 303    |
| administrator    | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 303    | 303    |
"""

UNOWNED = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 200   | 200    | 303      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| stranger         | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| inactive         | 200   | 200    | 303      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| reader           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| writer           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| repository admin | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| owner            | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| administrator    | 200   | 200    | 200      | 303      | 303   | 404     | shown  | shown | 409    | 303    |
"""

UNOWNED_MISSING = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| stranger         | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| inactive         | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| reader           | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| writer           | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| repository admin | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| owner            | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| administrator    | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 403    | 404    |
"""

ORGANIZATION_PUBLIC = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 200   | 200    | 303      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| stranger         | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| inactive         | 200   | 200    | 303      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| reader           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| writer           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 409    | 403    |
| repository admin | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
| owner            | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| administrator    | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
| member read      | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| member write     | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 409    | 403    |
| member admin     | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
| former member    | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
"""

ORGANIZATION_PRIVATE = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| stranger         | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| inactive         | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| reader           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| writer           | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 409    | 403    |
| repository admin | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
| owner            | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| administrator    | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
| member read      | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 403    | 403    |
| member write     | 200   | 200    | 403      | 403      | 403   | 403     | shown  | shown | 409    | 403    |
| member admin     | 200   | 200    | 200      | 303      | 303   | 303     | shown  | shown | 409    | 303    |
| former member    | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
"""

ORGANIZATION_DELETED = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| stranger         | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| inactive         | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| reader           | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| writer           | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| repository admin | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| owner            | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| administrator    | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 303    | 303    |
| member read      | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| member write     | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 303    | 403    |
| member admin     | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 303    | 303    |
| former member    | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
"""

ORGANIZATION_MISSING = """\
| principal        | page  | images | settings | describe | share | unshare | listed | found | create | delete |
| ---------------- | ----- | ------ | -------- | -------- | ----- | ------- | ------ | ----- | ------ | ------ |
| anonymous        | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| stranger         | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| inactive         | 404   | 404    | 303      | 403      | 403   | 403     | -      | -     | 403    | 403    |
| reader           | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| writer           | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| repository admin | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| owner            | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| administrator    | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 303    | 303    |
| member read      | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
| member write     | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 303    | 403    |
| member admin     | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 303    | 303    |
| former member    | 404   | 404    | 404      | 404      | 404   | 404     | -      | -     | 404    | 404    |
"""

ACCOUNT = """\
| principal        | /account | /account/shared | /account/organizations | /account/new | /account/robots | /account/settings | /accounts | /accounts?username=stranger | /audit | /accounts/stranger/deactivate | /accounts/stranger/activate | /account/robots/reads/revoke |
| ---------------- | -------- | --------------- | ---------------------- | ------------ | --------------- | ----------------- | --------- | --------------------------- | ------ | ----------------------------- | --------------------------- | ---------------------------- |
| anonymous        | 303      | 303             | 303                    | 303          | 303             | 303               | 303       | 303                         | 303    | 403                           | 403                         | 403                          |
| stranger         | 200      | 200             | 200                    | 200          | 200             | 200               | 403       | 403                         | 403    | 400                           | 403                         | 404                          |
| inactive         | 303      | 303             | 303                    | 303          | 303             | 303               | 303       | 303                         | 303    | 403                           | 403                         | 403                          |
| reader           | 200      | 200             | 200                    | 200          | 200             | 200               | 403       | 403                         | 403    | 403                           | 403                         | 404                          |
| writer           | 200      | 200             | 200                    | 200          | 200             | 200               | 403       | 403                         | 403    | 403                           | 403                         | 404                          |
| repository admin | 200      | 200             | 200                    | 200          | 200             | 200               | 403       | 403                         | 403    | 403                           | 403                         | 404                          |
| owner            | 200      | 200             | 200                    | 200          | 200             | 200               | 403       | 403                         | 403    | 403                           | 403                         | 303                          |
| administrator    | 200      | 200             | 200                    | 200          | 200             | 200               | 200       | 200                         | 200    | 303                           | 303                         | 404                          |
"""

ORGANIZATION = """\
| principal        | members | robots | settings | create | add   | remove | create robot | revoke robot | leave | delete |
| ---------------- | ------- | ------ | -------- | ------ | ----- | ------ | ------------ | ------------ | ----- | ------ |
| anonymous        | 303     | 303    | 303      | 403    | 403   | 403    | 403          | 403          | 403   | 403    |
| stranger         | 403     | 403    | 403      | 303    | 403   | 403    | 403          | 403          | 403   | 403    |
| inactive         | 303     | 303    | 303      | 403    | 403   | 403    | 403          | 403          | 403   | 403    |
| reader           | 403     | 403    | 403      | 303    | 403   | 403    | 403          | 403          | 403   | 403    |
| writer           | 403     | 403    | 403      | 303    | 403   | 403    | 403          | 403          | 403   | 403    |
| repository admin | 403     | 403    | 403      | 303    | 403   | 403    | 403          | 403          | 403   | 403    |
| owner            | 403     | 403    | 403      | 303    | 403   | 403    | 403          | 403          | 403   | 403    |
| administrator    | 200     | 200    | 200      | 303    | 303   | 303    | 201          | 303          | 404   | 303    |
| member read      | 200     | 403    | 403      | 303    | 403   | 403    | 403          | 403          | 303   | 403    |
| member write     | 200     | 403    | 403      | 303    | 403   | 403    | 403          | 403          | 303   | 403    |
| member admin     | 200     | 200    | 200      | 303    | 303   | 303    | 201          | 303          | 303   | 303    |
| former member    | 403     | 403    | 403      | 303    | 403   | 403    | 403          | 403          | 403   | 403    |
"""
