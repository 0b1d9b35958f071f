"""The one stylesheet of all pages, and the policy that lets a browser use nothing but it."""

from base64 import b64encode
from hashlib import sha256

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #f6f8fa; --ink: #1a2330; --quiet: #4c5a69; --link: #0a5592; --on-link: #ffffff;
  --edge: #6b7885; --line: #d3dae1; --code: #e8edf2; --bad: #96131a; --on-bad: #fdeceb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12171d; --ink: #e5ebf1; --quiet: #a9b5c1; --link: #82c4ff; --on-link: #0a1620;
    --edge: #8391a0; --line: #333e49; --code: #212a33; --bad: #ffb4ad; --on-bad: #3b1a1c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 1.0625rem/1.6 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
header, main, footer { max-width: 44rem; margin: 0 auto; padding: 1rem 1.25rem; }
header { font-weight: 600; }
footer { margin-top: 2rem; border-top: 1px solid var(--line); color: var(--quiet); }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0.5rem 0 1rem; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2rem 0 0.5rem; }
p, ul, dl, pre { margin: 0.75rem 0; }
a { color: var(--link); text-underline-offset: 0.2em; }
code { font: 1rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
pre { background: var(--code); border-radius: 0.375rem; padding: 0.75rem 1rem; white-space: pre-wrap; }
pre code { user-select: all; }
label { display: block; font-weight: 600; margin-top: 1rem; }
input, button { font: inherit; min-height: 2.75rem; border-radius: 0.375rem; padding: 0.375rem 0.75rem; }
input {
  width: 100%; margin-top: 0.25rem;
  border: 1px solid var(--edge); background: var(--paper); color: var(--ink);
}
input[readonly] { background: var(--code); }
button {
  margin-top: 1rem; padding: 0.375rem 1.25rem;
  border: 1px solid var(--link); background: var(--link); color: var(--on-link); font-weight: 600;
}
:focus-visible { outline: 3px solid var(--link); outline-offset: 3px; }
.row { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 0.25rem; }
.row input { flex: 1 1 12rem; }
.row > * { margin-top: 0; }
.plain { list-style: none; padding: 0; }
.plain > li { padding: 0.75rem 0; border-bottom: 1px solid var(--line); }
.plain p { margin: 0.125rem 0 0; }
.quiet { color: var(--quiet); }
.mark { border: 1px solid var(--edge); border-radius: 1rem; padding: 0 0.625rem; }
summary { padding: 0.5rem 0; cursor: pointer; }
.links a { display: inline-block; padding: 0.5rem 0; margin-right: 1.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1.5rem; }
dt { color: var(--quiet); }
dd { margin: 0; }
[role=alert] {
  border-left: 0.25rem solid var(--bad); background: var(--on-bad); color: var(--bad);
  padding: 0.75rem 1rem; border-radius: 0.25rem;
}
"""

_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
