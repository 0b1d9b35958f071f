"""Configurations of registries and reverse proxies that use this index."""

from enum import StrEnum

from msgspec import Struct

from chalicelib.security.bearer_tokens import ISSUER


class RegistryKind(StrEnum):
    """The registries for which a configuration exists."""

    DISTRIBUTION = "distribution"
    ZOT = "zot"


class ProxyKind(StrEnum):
    """The reverse proxies for which a configuration exists."""

    NGINX = "nginx"
    CADDY = "caddy"


class RegistrySettings(Struct, frozen=True):
    """What a registry needs to know about the index. `repr` omits the secret.

    Attributes:
        base_url: the URL of the index.
        service: the name of the registry in REGISTRIES.
        secret: the value of REGISTRY_SECRET.
        certificate: the path of the certificate file.
        address: the address on which the registry listens.
        storage: the directory of the registry.
    """

    base_url: str
    service: str
    secret: str
    certificate: str
    address: str = "127.0.0.1:5000"
    storage: str = "/var/lib/registry"

    def __repr__(self) -> str:
        return f"RegistrySettings({self.base_url!r}, {self.service!r})"

    @property
    def realm(self) -> str:
        """The URL of the token endpoint.

        crane rejects a token endpoint with a loopback IP address, so a local one is named localhost.
        """
        return self.base_url.replace("//127.0.0.1", "//localhost") + "/token"


def render_registry(kind: RegistryKind, settings: RegistrySettings) -> str:
    """Return the configuration file of a registry."""
    return (
        _DISTRIBUTION.format(s=settings, issuer=ISSUER) if kind is RegistryKind.DISTRIBUTION else _render_zot(settings)
    )


def render_proxy(kind: ProxyKind, settings: RegistrySettings, host: str) -> str:
    """Return the configuration of a reverse proxy that serves the registry and the index at `host`."""
    index_host = settings.base_url.partition("://")[2]
    template = _NGINX if kind is ProxyKind.NGINX else _CADDY
    values = {"host": host, "registry": settings.address, "index": settings.base_url, "index_host": index_host}
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


_DISTRIBUTION = """\
# For distribution 2.8 and 3.x (registry:2 and registry:3).
version: 0.1
storage:
  filesystem: {{rootdirectory: {s.storage}}}
  delete: {{enabled: true}}
http:
  addr: {s.address}
  relativeurls: true
auth:
  token:
    realm: {s.realm}
    service: {s.service}
    issuer: {issuer}
    rootcertbundle: {s.certificate}  # do not set jwks: distribution 3.x then rejects these tokens
notifications:
  endpoints:
    - name: waybill
      url: {s.base_url}/registries/events
      headers: {{Authorization: [Bearer {s.secret}]}}
      timeout: 5s
      threshold: 3
      backoff: 30s
      ignore: {{mediatypes: [application/octet-stream], actions: [pull, mount]}}
"""


def _render_zot(settings: RegistrySettings) -> str:
    host, _, port = settings.address.rpartition(":")
    return f"""\
{{
  "distSpecVersion": "1.1.0",
  "storage": {{"rootDirectory": "{settings.storage}"}},
  "http": {{
    "address": "{host}",
    "port": "{port}",
    "auth": {{
      "bearer": {{"realm": "{settings.realm}", "service": "{settings.service}", "cert": "{settings.certificate}"}}
    }}
  }},
  "extensions": {{
    "events": {{
      "enable": true,
      "sinks": [
        {{
          "type": "http",
          "address": "{settings.base_url}/registries/events",
          "timeout": "5s",
          "headers": {{"Authorization": "Bearer {settings.secret}"}}
        }}
      ]
    }}
  }}
}}
"""


_NGINX = """\
# One host for the registry and the index. Add `listen 443 ssl` and your certificate.
server {
  listen 80;
  server_name @host@;
  client_max_body_size 0;
  proxy_request_buffering off;
  proxy_http_version 1.1;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;

  location /v2/ {
    proxy_set_header Host $http_host;
    proxy_pass http://@registry@;
  }
  location = /v2/_catalog {
    proxy_set_header Host @index_host@;
    proxy_ssl_server_name on;
    proxy_pass @index@;
  }
  location / {
    proxy_set_header Host @index_host@;
    proxy_ssl_server_name on;
    proxy_pass @index@;
  }
}
"""

_CADDY = """\
# One host for the registry and the index. Caddy obtains the certificate.
@host@ {
  @to_registry {
    path /v2/*
    not path /v2/_catalog
  }
  reverse_proxy @to_registry http://@registry@
  reverse_proxy @index@ {
    header_up Host @index_host@
  }
}
"""
