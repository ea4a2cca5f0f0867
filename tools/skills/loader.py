"""Finds the skills for a task, by the index."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from bankable.tools.errors import UserError
from bankable.tools.evidence.canonical import digest
from bankable.tools.evidence.records import Record
from bankable.tools.evidence.regular import IrregularFileError, open_regular
from bankable.tools.skills.front_matter import FrontMatter, Name, first_fault, mapping, split

HOME = Path(__file__).resolve().parents[2] / "skills"
INDEX = "index.yaml"
OWN = "SKILL.md"
"""In a skill's own folder."""
MAX_SKILL_BYTES = 1 << 16


class Entry(Record):
    """One line of the index: nothing that the skill says itself."""

    name: Name
    """Name of the skill, the same as in its front matter."""
    file: str = Field(pattern=r"^[a-z0-9_]+(/[a-z0-9_]+)*/?[A-Za-z0-9_]+\.md$")
    """Relative to the folder of skills."""


class SkillIndex(Record):
    """``index.yaml``."""

    skills: tuple[Entry, ...]
    """Skills that are listed one by one, in the order in which a role gets them."""
    folders: tuple[Name, ...] = ()
    """Folders beside the index: each ``.md`` file in them is a skill of the file's name, in the order of the names."""

    def entries(self, home: Path) -> tuple[Entry, ...]:
        """All skills, those of folders last. Raises ``ValidationError`` for a file whose name is no skill's."""
        pages = (path for folder in self.folders for path in sorted((home / folder).glob("*.md")))
        named = (Entry(name=path.stem, file=path.relative_to(home).as_posix()) for path in pages)
        return (*self.skills, *named)


@dataclass(frozen=True)
class Skill:
    """A skill as a role gets it."""

    head: FrontMatter
    body: str
    """Markdown."""
    text: str
    """The whole file."""

    @property
    def sha256(self) -> str:
        """Of the whole file."""
        return digest(self.text.encode())


def load_skills(home: Path = HOME) -> tuple[Skill, ...]:
    """All skills in the order of the index. Raises ``UserError`` on an index or a skill that is not in order."""
    raw = mapping(_text(home, INDEX), INDEX)
    try:
        entries = SkillIndex.model_validate(raw).entries(home)
    except ValidationError as problem:
        raise UserError(f"Cannot read the index of skills: {first_fault(problem)}", INDEX, "correct it") from None
    names = [entry.name for entry in entries]
    if len(names) != len(set(names)):
        raise UserError("Cannot read the index of skills: a skill is named twice", INDEX, "name each once")
    return tuple(_load(home, entry) for entry in entries)


def skills_for(
    role: str, *, operator: str | None = None, device: str | None = None, dtype: str | None = None, home: Path = HOME
) -> tuple[Skill, ...]:
    """What this role gets for this task, in the order of the index."""
    return tuple(skill for skill in load_skills(home) if skill.head.fits(role, operator, device, dtype))


def read_skill(path: Path) -> Skill:
    """A skill that is in no index: its folder, with a ``SKILL.md``, or the file. Raises ``UserError``."""
    file = path / OWN if path.is_dir() else path
    return skill_from(_text(file.parent, file.name), str(file))


def skill_from(text: str, where: str) -> Skill:
    """A skill from its text. Raises ``UserError`` that names ``where``."""
    head, body = split(text, where)
    return Skill(head, body, text)


def skill(name: str, home: Path = HOME) -> Skill:
    """One skill. Raises ``UserError`` when there is none of this name."""
    selected = next((skill for skill in load_skills(home) if skill.head.name == name), None)
    if selected is None:
        raise UserError(f"Cannot find skill {name!r}", INDEX, "see the index")
    return selected


def _load(home: Path, entry: Entry) -> Skill:
    loaded = skill_from(_text(home, entry.file), entry.file)
    if loaded.head.name != entry.name:
        raise UserError(
            f"Cannot read the skill: the index calls it {entry.name}, its own head {loaded.head.name}",
            entry.file,
            "give one name",
        )
    return loaded


def _text(home: Path, name: str) -> str:
    """A file of the folder, through no link that leaves it."""
    path = home / name
    try:
        if not path.resolve(strict=True).is_relative_to(home.resolve()):
            raise IrregularFileError("a link out of the folder")
        with open_regular(path) as stream:
            data = stream.read(MAX_SKILL_BYTES + 1)
    except IrregularFileError as cause:
        raise UserError(f"Cannot read the skill: {cause}", name, "give a regular file in the folder") from None
    except (OSError, RuntimeError):
        raise UserError("Cannot read the skill: file not found", name, "check the name in the index") from None
    if len(data) > MAX_SKILL_BYTES:
        raise UserError(f"Cannot read the skill: larger than {MAX_SKILL_BYTES} bytes", name, "shorten it")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UserError("Cannot read the skill: not UTF-8", name, "save it as UTF-8") from None
