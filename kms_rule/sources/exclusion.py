"""Says what of a folder is not to be checked: what the person excludes, and what git ignores."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePath

from kms_rule.sources.contents import InputError
from kms_rule.sources.files import Exclusion, files_below, nothing

# A hook runs with those of its repository. Source: `git rev-parse --local-env-vars`.
VARIABLES_OF_A_REPOSITORY = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})
# A repository that somebody else made must not start anything.
HARMLESS = ("-c", "core.fsmonitor=false", "-c", "safe.bareRepository=explicit")
IGNORED = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
MAX_SECONDS_OF_GIT = 60


def exclusion(globs: Iterable[str]) -> Exclusion:
    """Return whether a name of a file or folder, as the command shows it, fits one of the globs of `--exclude`.

    A glob fits by the whole name or its end after a `/`, and `*` also stands for `/`.
    """
    patterns = [fnmatch.translate(glob.rstrip("/")) for glob in globs]
    if not patterns:
        return nothing
    fits = re.compile(rf"(?:(?s:.*)/)?(?:{'|'.join(patterns)})").match
    return lambda name: fits(name.replace(os.sep, "/")) is not None


def is_excluded_by_name(name: str, is_excluded: Exclusion) -> bool:
    """Return whether a file that the person named, or a folder that it is in, is excluded."""
    return any(is_excluded(str(part)) for part in (PurePath(name), *PurePath(name).parents))


def wanted_below(folder: str, is_excluded: Exclusion) -> Iterator[str | InputError]:
    """Yield what `files_below` does of a folder, without what is excluded and what git ignores."""
    ignored = _ignored_below(folder)
    return files_below(folder, lambda name: name in ignored or is_excluded(name))


def _ignored_below(folder: str) -> frozenset[str]:
    """Return what git ignores below a folder, files and whole folders, as `files_below` names them.

    It is nothing without git or a repository, and where the folder itself is ignored: whoever names it wants it.
    """
    command = ["git", *HARMLESS, "-C", folder, *IGNORED]
    try:
        ended = subprocess.run(  # noqa: S603 - a fixed command, and a folder that the person named
            command, env=_environment(), capture_output=True, check=False, timeout=MAX_SECONDS_OF_GIT
        )
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    if ended.returncode:
        return frozenset()
    names = [os.fsdecode(name) for name in ended.stdout.split(b"\0") if name]
    if "./" in names:
        return frozenset()
    return frozenset(os.path.normpath(os.path.join(folder, name)) for name in names)  # noqa: PTH118 - as they are named


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name not in VARIABLES_OF_A_REPOSITORY}
