"""What must not leave this machine with a run: by names of files, and by what they hold."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

#: Names of files and folders, in lower case.
_NAMES = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore",
    "*.kdbx", "*.asc", "*.gpg", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc",
    "_netrc", ".pgpass", ".my.cnf", ".pypirc", ".npmrc", ".htpasswd", ".git-credentials",
    ".dockercfg", ".dockerconfigjson", ".databrickscfg", ".boto", ".s3cfg", "kubeconfig*",
    "credentials", "credentials.*", "*credentials.json", "*secret*", "service-account*.json",
    "service_account*.json", "*.tfvars", ".ssh", ".aws", ".azure", ".gnupg", ".kube", ".docker",
    "gcloud",
)  # fmt: skip

_CODE = (".py", ".ipynb", ".md", ".rst", ".sh", ".js", ".ts", ".r", ".html", ".css")

# Whole words of names, so that neither `tokenizer` nor `max_tokens` is one.
_WORD = (
    r"(?:password|passwd|passphrase|pwd|secret|token|apikey|api[_-]?key|access[_-]?key|"
    r"secret[_-]?key|private[_-]?key|credentials?)"
)
_KNOWN_AS = rf"(?<![A-Za-z]){_WORD}(?![A-Za-z])"
#: Where names are such, values are left out.
NAME = re.compile(_KNOWN_AS, re.IGNORECASE)

_KNOWN = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\bgh[opusr]_[0-9A-Za-z]{30,}",
    r"\bgithub_pat_[0-9A-Za-z_]{30,}",
    r"\bglpat-[0-9A-Za-z_-]{20,}",
    r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}",
    r"\bsk-(?=[A-Za-z_-]*[0-9])[0-9A-Za-z_-]{20,}",
    r"\bhf_[0-9A-Za-z]{30,}",
    r"\bdapi[0-9a-f]{32}\b",
    r"\bAIza[0-9A-Za-z_-]{35}",
    r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.",
    r"://[^/\s:@\"'{}]+:[^/\s:@\"'{}]+@",
)
_IN_CODE = re.compile(
    "|".join(_KNOWN)
    # A literal with a digit: what people put there, and names of things seldom have.
    + rf"|(?i:{_KNOWN_AS}[\"']?\]?\s*[:=]\s*[\"'](?=[^\"']*[0-9])[^\s\"'{{}}<>]{{8,}}[\"'])"
)
_IN_OTHERS = re.compile(
    _IN_CODE.pattern
    # As in files of variables.
    + rf"|(?im:^[+\- ]?\s*(?:export\s+)?[\w.-]*{_KNOWN_AS}[\w.-]*\s*[:=]\s*"
    r"[^\s<{{$][^\s]{5,}\s*$)"
)

#: Every secret that the patterns find has one of these in its line.
_MARKS = (
    b"pass", b"pwd", b"secret", b"token", b"key", b"credential", b"akia", b"asia", b"gho_", b"ghp_",
    b"ghs_", b"ghu_", b"ghr_", b"github_pat_", b"glpat-", b"xox", b"sk-", b"hf_", b"dapi", b"aiza",
    b"eyj", b"://",
)  # fmt: skip


def by_name(path: str) -> bool:
    """Whether a file of this path, with slashes, is one that holds secrets."""
    parts = path.lower().split("/")
    if parts[-1].endswith(_CODE):  # secrets.py is about secrets, and has none
        parts.pop()
    return any(fnmatchcase(part, name) for part in parts for name in _NAMES)


def in_text(content: bytes, path: str) -> bool:
    """Whether what a file holds looks like a secret.

    Args:
        path: Of the file: code is full of names that would be suspicious elsewhere.
    """
    pattern = _IN_CODE if path.lower().endswith(_CODE) else _IN_OTHERS
    # The pattern alone would take half a second for a megabyte.
    if not any(mark in content.lower() for mark in _MARKS):
        return False
    suspicious = (
        line for line in content.splitlines() if any(mark in line.lower() for mark in _MARKS)
    )
    return any(pattern.search(line.decode("utf-8", "replace")) for line in suspicious)


def without(argv: list[str]) -> tuple[list[str], list[int]]:
    """Arguments of a program, each that looks like a secret replaced by `***`; and which."""
    kept, gone, follows = [], [], False
    for position, word in enumerate(argv):
        option, equals, value = word.partition("=")
        named = option.startswith("-") and NAME.search(option) is not None
        if follows and not word.startswith("-"):
            kept.append("***")
            gone.append(position)
        elif named and equals and value:
            kept.append(f"{option}=***")
            gone.append(position)
        elif _IN_CODE.search(word):
            kept.append("***")
            gone.append(position)
        else:
            kept.append(word)
        follows = named and not equals
    return kept, gone
