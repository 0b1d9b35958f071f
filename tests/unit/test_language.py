"""Retired words: private terms, metaphors and unusual constructions that must not return.

Each rule names the standard expression. `ALLOWED` lists the places where a retired word is right, with the reason.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from msgspec import Struct

ROOT = Path(__file__).parents[2]
SUFFIXES = {".py", ".md", ".yaml", ".yml", ".toml", ".html", ".css", ".in", ".json", ".js", ".cfg", ".ini", ""}
SKIPPED_FOLDERS = {"node_modules", "build", "mutants", "__pycache__"}
SKIPPED_FILES = {
    "tests/unit/test_language.py",  # contains all retired words
    "LICENSE",
    "bench/dynalite/package-lock.json",  # names of packages
}


class Rule(Struct, frozen=True):
    """A retired expression.

    Attributes:
        stems: each match contains one of these, in lower case. They make the search fast.
        pattern: a regular expression; it distinguishes upper and lower case.
        instead: what to write instead.
        hits: texts that break the rule.
        misses: similar texts that do not.
    """

    stems: str | tuple[str, ...]
    pattern: str
    instead: str
    hits: tuple[str, ...]
    misses: tuple[str, ...] = ()


RULES = (
    # Names of classes, settings, events and fields
    Rule("doorman", r"\bDoorman\b", "Authenticator", ("Doorman",)),
    Rule("envelope", r"\bEnvelope\b", "DockerHeaders", ("Envelope",), ("envelope encryption",)),
    Rule("asker", r"\b[Aa]skers?\b", "principal", ("the asker",), ("tasker",)),
    Rule("vouch", r"\b[Vv]ouch(es|ed|ing)?\b", "ensure_exists, contains_image", ("vouch", "vouches"), ("voucher",)),
    Rule("refusal", r"\b[Rr]efusals?\b", "error, ApiError", ("Refusal", "a refusal"), ("connection refused",)),
    Rule("parts", r"\bParts\b(?! of\b)", "Services", ("Parts(settings)",), ("parts of a URL", "Parts of a list")),
    Rule("removal", r"\bRemoval\b", "AccountDeletion", ("Removal(",), ("the removal",)),
    Rule("letter", r"\bLetter\b|\bLetters\b", "EmailMessage, AccountEmails", ("Letters(",), ("LATIN SMALL LETTER A",)),
    Rule("world", r"\bWorld\b", "State", ("World(",), ("Hello, world",)),
    Rule(
        ("nothinghere", "notactive", "plainchannel", "cannot"),
        r"\b(NothingHere|NotActive|PlainChannel|CannotRemember|Cannot[A-Z]\w+)\b",
        "…Error",
        ("CannotRemember",),
    ),
    Rule("at_most", r"_AT_MOST\b|\bat_most\b", "MAX_…", ("IMAGES_AT_MOST", "at_most"), ("at most 20",)),
    Rule("list_memory", r"\bLIST_MEMORY\b", "IMAGE_LIST_CACHE_SECONDS", ("LIST_MEMORY",)),
    Rule("index_address", r"\bINDEX_ADDRESS\b", "BASE_URL", ("INDEX_ADDRESS",)),
    Rule("front_page", r"\bFRONT_PAGE\b", "PUBLIC_PAGES", ("FRONT_PAGE",)),
    Rule(
        ("keep_name", "keeps_name"),
        r"\b(KEEP_NAMES?|keeps?_names?)\b",
        "RESERVE_DELETED_NAMES, reserve_name",
        ("keep_name",),
    ),
    Rule(
        ("letter.asked-for", "robot.made", "index.mended", "sign-in.failed"),
        r"\b(letter\.asked-for|robot\.made|index\.mended|sign-in\.failed)\b",
        "email.requested, robot.created, index.repaired, login.failed",
        ("sign-in.failed", "robot.made"),
        ("robot.created",),
    ),
    Rule("epoch", r"(?<!Unix )\b[Ee]pochs?\b", "hour", ("the epoch's key", "epochs"), ("Unix epoch",)),
    Rule("spent", r"[Ss]pent[_ ][Tt]okens?\b", "used token", ("spent_tokens", "a spent token"), ("time spent",)),
    Rule("lookalike", r"[Ll]ookalikes?\b", "homoglyph", ("lookalikes",)),
    Rule("telling", r"[Tt]elling[_ ]apart", "response times, timing", ("telling_apart",)),
    Rule("heavy", r"\b[Hh]eavy[_ ]bod(y|ies)", "request size limits", ("heavy bodies",)),
    # Metaphors
    Rule(
        "letter",
        r"\bletters?\b(?!,? (or |and )?(a )?(digits?|numbers?))(?! or$| or \"$|,$)",
        "email",
        ("the letter's link", "two letters."),
        ("letters, digits", "a letter or digit", "letters and digits"),
    ),
    Rule("journal", r"\b[Jj]ournal(s|ed|ing)?\b", "request log, audit log", ("the journal",), ("journalctl",)),
    Rule("door", r"\b[Dd]oors?\b", "endpoint, gateway", ("the door",), ("backdoor",)),
    Rule("hear", r"\b(over)?hear(s|d)?\b", "receive, record", ("hears of it", "overheard"), ("heart",)),
    Rule("remember", r"\bremember(s|ed|ing)?\b", "cache, store", ("remembers it", "remembered")),
    Rule("lives", r"\blives\b", "generations; is valid", ("another of its lives",), ("it can live",)),
    Rule(
        "life",
        r"\b(an|the|its|repositor(y|ies)'s?) (earlier |other |former )?life\b",
        "generation",
        ("an earlier life",),
    ),
    Rule(
        ("stray", "swe"),
        r"\b[Ss]trays?\b|\b[Ss]we(ep|eps|pt)\b",
        "orphan, delete_orphans",
        ("strays", "swept"),
        ("astray",),
    ),
    Rule(
        "undisturbed", r"\b[Uu]ndisturbed\b", "retry_on_conflict, without a conflict", ("undisturbed",), ("disturbed",)
    ),
    # Unusual constructions
    Rule("mend", r"\b[Mm]end(s|ed|ing)?\b", "fix, repair", ("--mend", "mended"), ("recommend", "amend")),
    Rule("anew", r"\b[Aa]new\b", "again, new", ("made anew",), ("a new",)),
    Rule("ever", r"\b[Ww]ho(m|se)?(so)?ever\b", "everyone who, any", ("whoever",)),
    Rule("whatever", r"\bWhatever\b", "any, all", ("Whatever it was",), ("200, whatever is sent",)),
    Rule("hence", r"\b[Hh]ence\b", "therefore, so", ("hence Any",), ("henceforth",)),
    Rule("but for", r"\b[Bb]ut for\b", "except", ("all but for one",), ("but forget",)),
    Rule("after", r"\b[Ll]ook(s|ed|ing)? after\b", "manage", ("looks after",), ("look at",)),
    Rule("beside", r"\b[Bb]esides?\b", "next to, also", ("beside it",)),
    Rule("from", r"\b[Tt]ell(s|ing)? \S+ (\S+ )?from\b", "distinguish", ("tells one from another",), ("tell it how",)),
    Rule("apart", r"\b[Tt]old apart\b", "distinguished", ("cannot be told apart",)),
    Rule(
        "is no ",
        r"(?<![Tt]here )\bis no (?!longer\b)",
        "is not a",
        ("dora is no administrator", "what is no name"),
        ("there is no robot", "it is no longer valid", "There is no account"),
    ),
    Rule(
        "no more", r"\b[Nn]o more\b(?! than\b)", "no longer, not any more", ("share it no more",), ("no more than 5",)
    ),
    Rule(
        " for ", r"[,;] for (it|they|there|nobody|nothing|he|she)\b", "because", ("free, for nobody pays",), ("for it",)
    ),
)


class Allowed(Struct, frozen=True):
    """A place where a retired expression is right.

    Attributes:
        path: a pattern for paths.
        text: a part of the line.
        reason: why it is right.
    """

    path: str
    text: str
    reason: str


ALLOWED = (
    Allowed("CHANGELOG.md", "formerly", "names the former settings"),
    Allowed("chalicelib/pages/templates/reset.html", "Most letters are", "letters of the alphabet"),
    Allowed("docs/development/decisions.md", "first letter", "letters of the alphabet"),
)


def find_files() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if any(part in SKIPPED_FOLDERS or (part.startswith(".") and part != ".ci") for part in parts):
            continue
        if not path.is_file() or path.suffix not in SUFFIXES or path.relative_to(ROOT).as_posix() in SKIPPED_FILES:
            continue
        if "performance" in parts and path.suffix == ".json":  # measured data
            continue
        yield path


def find_retired_words(path: str, text: str) -> list[str]:
    """Return `path:line: word (instead: …)` for each hit. The words of an identifier are examined too."""
    found: dict[str, None] = {}
    patterns = [(rule, pattern) for rule, pattern in PATTERNS if has_stem(rule, text)]
    for number, line in enumerate(text.splitlines() if patterns else (), 1):
        if any(fnmatch(path, allowed.path) and allowed.text in line for allowed in ALLOWED):
            continue
        for rule, pattern in patterns:
            for match in (*pattern.finditer(line), *pattern.finditer(line.replace("_", " "))):
                found[f"{path}:{number}: {match[0]!r} (instead: {rule.instead})"] = None
    return list(found)


def has_stem(rule: Rule, text: str) -> bool:
    lower = text.lower()
    stems = (rule.stems,) if isinstance(rule.stems, str) else rule.stems
    return any(stem in lower or stem in lower.replace("_", " ") for stem in stems)


PATTERNS = [(rule, re.compile(rule.pattern)) for rule in RULES]


def test_no_retired_words_are_used() -> None:
    found = []
    for file in find_files():
        path = file.relative_to(ROOT).as_posix()
        try:
            text = file.read_text()
        except UnicodeDecodeError:
            continue
        found += find_retired_words(path, text)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.pattern)
def test_rule_matches_its_examples(rule: Rule) -> None:
    pattern = re.compile(rule.pattern)
    assert [text for text in rule.hits if not (has_stem(rule, text) and pattern.search(text))] == []
    assert [text for text in rule.misses if pattern.search(text)] == []


@pytest.mark.parametrize("line", ["# the asker", "def test_the_asker_is_known() -> None:"])
def test_hit_has_a_path_and_a_line(line: str) -> None:
    (hit,) = find_retired_words("a.py", f"fine\n{line}\n")
    assert hit.startswith("a.py:2: 'asker'")
