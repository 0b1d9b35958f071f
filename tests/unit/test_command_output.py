"""Parsing and output of the command `waybill`."""

import json
import subprocess
import sys
import tomllib
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from chalicelib.settings_table import SettingsError
from infra import ROOT
from infra.admin import audit
from infra.admin.output import Shorteners, write_fields, write_json, write_rows
from infra.cli import ENTRIES, cli, run
from infra.client import search
from infra.client.credentials import Credentials
from infra.client.index_url import IndexUrl
from infra.client.search import Tag
from infra.exit_codes import CommandError, ExitCode, LoginError, UnreachableError
from infra.setting_names import check_setting_names

ROW = {
    "name": "a" * 300,
    "empty": None,
    "is_it": True,
    "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    "of": ["b", "a"],
}


@pytest.mark.parametrize(
    ("text", "url", "username"),
    [
        ("https://index.example.com", "https://index.example.com", None),
        ("index.example.com", "https://index.example.com", None),
        ("HTTPS://Index.Example.com:443/", "https://index.example.com", None),
        ("http://alice@127.0.0.1:8000", "http://127.0.0.1:8000", "alice"),
        ("http://[::1]:8000", "http://[::1]:8000", None),
    ],
)
def test_url_has_one_form(text: str, url: str, username: str | None) -> None:
    parsed = IndexUrl.parse(text)
    assert (str(parsed), parsed.username) == (url, username)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://a",
        "https://",
        "https://a/v1",
        "https://a?q",
        "http://a:port",
        "http://a b",
        "http://a\n",
        "http://[::1",
    ],
)
def test_url_that_is_not_an_index_is_rejected(text: str) -> None:
    with pytest.raises(CommandError):
        IndexUrl.parse(text)


@given(
    st.text(max_size=40)
    | st.from_regex(r"(https?://)?([a-z]{1,4}@)?[a-zA-Z.:\\[\\]0-9-]{1,20}(:[0-9]{1,6})?/?", fullmatch=True)
)
def test_each_text_is_one_url_or_an_error(text: str) -> None:
    try:
        url = IndexUrl.parse(text)
    except CommandError:
        return
    assert IndexUrl.parse(str(url)) == IndexUrl(url.scheme, url.host)
    assert isinstance(url.is_local, bool)


def test_url_with_a_password_is_rejected_without_repeating_it() -> None:
    with pytest.raises(CommandError) as caught:
        IndexUrl.parse("https://alice:" + "hunter@a")
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "is_local"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("[::1]", True), ("localhost", True), ("127.0.0.1.example.com", False)],
)
def test_server_on_this_machine_is_recognised(host: str, is_local: bool) -> None:
    assert IndexUrl("http", host).is_local is is_local


def test_credentials_do_not_show_the_password() -> None:
    assert "hunter" not in repr(Credentials("alice", "hunter"))


def test_piped_rows_are_complete_values_with_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    write_rows([ROW, {**ROW, "name": "x\ty\x1bz"}], tuple(ROW), noun="rows", as_json=False)
    first, second = capsys.readouterr().out.splitlines()
    assert first.split("\t") == ["a" * 300, "", "yes", "2026-01-02T03:04:05Z", "a, b"]
    assert second.split("\t")[0] == "x y z"


def test_piped_fields_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    write_fields({"last_pushed": None, "name": "web"}, as_json=False)
    assert capsys.readouterr().out == "last pushed\t\nname\tweb\n"


def test_terminal_shows_complete_values(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    write_rows([ROW], tuple(ROW), noun="rows", as_json=False)
    shown = capsys.readouterr().out
    assert shown.count("a") >= 300
    assert "…" not in shown


def test_terminal_shortens_identifiers_and_other_outputs_do_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*, as_json: bool = False) -> str:
        write_rows(
            [{"an_id": "abcdef"}], ("an_id",), noun="rows", as_json=as_json, shorteners={"an_id": lambda t: t[:3]}
        )
        return capsys.readouterr().out

    assert write() == "abcdef\n"
    assert json.loads(write(as_json=True)) == [{"an_id": "abcdef"}]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    header, row = write().splitlines()
    assert "an id" in header
    assert row.strip() == "abc"


@pytest.mark.parametrize(
    ("row", "columns", "shorteners", "width"),
    [
        (
            {
                "tag": "1.27.0",
                "size": 10_000,
                "pushed": ROW["at"],
                "digest": "sha256:" + "a" * 64,
                "media_type": "application/vnd.docker.distribution.manifest.list.v2+json",
            },
            Tag.__struct_fields__,
            search.SHORTENERS,
            100,
        ),
        (
            {
                "time": ROW["at"],
                "event": "organization.created",
                "actor": "alice+builder",
                "target": "alice/webserver",
                "client_ip": "192.168.100.200",
                "request": "0c5f9d0e-7b3a-4a55-9d2c-2f1d1a1f0b11",
            },
            audit.COLUMNS,
            audit.SHORTENERS,
            120,
        ),
    ],
    ids=["tags", "audit"],
)
def test_common_row_is_one_line(
    row: dict[str, object],
    columns: tuple[str, ...],
    shorteners: Shorteners,
    width: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    write_rows([row], columns, noun="rows", as_json=False, shorteners=shorteners)
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("is_terminal", "as_json", "output"),
    [(True, False, "No rows found.\n"), (False, False, ""), (True, True, "[]\n")],
)
def test_empty_table_is_a_sentence_on_a_terminal(
    is_terminal: bool, as_json: bool, output: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    write_rows([], ("name",), noun="rows", as_json=as_json)
    assert capsys.readouterr().out == output


def test_times_in_json_end_like_those_of_the_api(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"at": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)})
    assert json.loads(capsys.readouterr().out) == {"at": "2026-01-02T03:04:05.000006Z"}


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_each_command(option: str) -> None:
    result = CliRunner().invoke(cli, [option])
    assert result.exit_code == 0
    assert set(ENTRIES) <= set(result.stdout.split())


def test_help_of_the_local_server_lists_its_variables() -> None:
    result = CliRunner().invoke(cli, ["serve", "--help"])
    assert {"PORT", "DATA", "REGISTRY", "HOST", "ADMIN_PASSWORD"} <= set(result.stdout.split())
    assert "docs/" not in result.stdout


def test_help_imports_no_library_that_takes_long() -> None:
    code = (
        "import sys, click\n"
        "from infra.cli import ENTRIES, cli\n"
        "for name in ENTRIES: cli.get_command(click.Context(cli), name)\n"
        "slow = {'botocore.session', 'boto3', 'pynamodb', 'moto', 'chalice', 'cyclonedx'} & set(sys.modules)\n"
        "sys.exit(f'imported: {slow}' if slow else 0)"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert f"{shell}_complete" in result.stdout


def test_completion_finds_commands_and_options() -> None:
    for words, count, expected in (("waybill rob", "1", "robots"), ("waybill robots create --acc", "3", "--access")):
        environment = {"_WAYBILL_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count}
        result = CliRunner().invoke(cli, prog_name="waybill", env=environment)
        assert f"plain,{expected}" in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandError("x"), ExitCode.FAILURE),
        (LoginError("x"), ExitCode.LOGIN),
        (UnreachableError("x"), ExitCode.CONNECTION),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (OSError(28, "No space left on device"), ExitCode.FAILURE),
        (RuntimeError("x\ny"), ExitCode.FAILURE),
    ],
)
def test_each_error_is_one_sentence_with_its_exit_code(
    error: BaseException, code: ExitCode, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("infra.client.search.search.callback", fail)
    assert run(["search", "x"]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert len(output.err.strip().splitlines()) == 1
    assert "Traceback" not in output.err


@pytest.mark.parametrize("arguments", [["serv"], ["search"], ["search", "x", "--lim", "3"], ["completion", "tcsh"]])
def test_wrong_command_line_has_its_exit_code(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == ExitCode.USAGE
    assert capsys.readouterr().out == ""


def test_argument_that_is_not_a_text_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["search", "\udcff"]) == ExitCode.USAGE
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("REGISTRTION", "REGISTRATION"),
        ("REGISTRAITON", "REGISTRATION"),
        ("registration", "REGISTRATION"),
        ("REGISTRY_ENDPOINT", "REGISTRY_ENDPOINTS"),
        ("TOKEN_LIFE_TIME", "TOKEN_LIFETIME"),
        ("ADMIN_PASWORD", "ADMIN_PASSWORD"),
    ],
)
def test_misspelt_setting_is_an_error_with_the_nearest_name(name: str, setting: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}.* {setting}"):
        check_setting_names({name: "closed"})


def test_other_variables_are_not_settings() -> None:
    own = "REGISTRATION AWS_REGION AWS_DEFAULT_REGION ADMIN_PASSWORD"
    foreign = (
        "AWS_PROFILE HOSTNAME HOSTS DATE PATH CI_REGISTRY REGISTRY_URL REGISTRY_USER REGISTRY_PASSWORD BASE_URI TOKEN"
    )
    check_setting_names([*own.split(), *foreign.split()])


def test_dependencies_of_the_wheel_allow_the_pinned_versions() -> None:
    pinned = dict(
        line.split(" ")[0].split("==")
        for line in (ROOT / "requirements-dev.txt").read_text().splitlines()
        if "==" in line
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = {canonicalize_name(each.name): each for each in map(Requirement, project["dependencies"])}
    for name, requirement in required.items():
        assert requirement.specifier.contains(pinned[name].split("[")[0]), name
    runtime = (ROOT / "requirements.in").read_text().splitlines()
    assert {line.split()[0] for line in runtime if line and not line.startswith("#")} <= set(required)
