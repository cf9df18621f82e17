"""Command lines: flags, files of settings, and the output of `--help`."""

from __future__ import annotations

import csv
import dataclasses
import difflib
import json
import logging
import os
import pathlib
import re
import runpy
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import ml_collections
from absl import flags
from ml_collections import config_flags

from jaxpaint import pictures
from jaxpaint.cli.app import Refused, program_of, say_more
from jaxpaint.io.exports import EXPORTS
from jaxpaint.io.palettes import read_palette, read_pigments
from jaxpaint.ordering import ORDERS
from jaxpaint.settings import LIGHT, Checked, Settings, unknown_key

_log = logging.getLogger(__name__)
_Kind = TypeVar("_Kind", bound=Checked)

# Resolution of a print, and the greatest one, in pixels per inch; lengths of an inch, by their unit.
_DPI, _MOST_DPI = 300, 9600
_UNITS = {"in": 1.0, "cm": 2.54, "mm": 25.4}
_PHOTO_HELP = """\
  --page=N       the page to paint, of a file with several pages, such as a scan (default: 1)
  --salvage      paints the intact part of a truncated JPEG"""
_HELP_HELP = """\
  --help         this text
  --version      versions of jaxpaint and of JAX"""
_DPI_HELP = """\
                 or a length for a print: 30cm, 300mm or 12in
  --dpi=N        pixels per inch, which the drawing records for printing (default: 300 for a length)"""
_FORMATS_HELP = "  --formats=F    also exports the painting, as bin/export does: svg,json"
_ORDER_HELP = """\
  --order=ORDER  strokes in another order that gives the same picture: subject (ground first, faces
                 last), region, size, color (few changes) or travel (short ways)"""
_OVERWRITE_HELP = "  --overwrite    also replaces files of others, of other inputs, or changed since"
_PREVIEW_HELP = "  --preview      shows the painting as it grows, if the terminal can (kitty, iTerm2, sixels)"
_QUIET_HELP = """\
  -q, --quiet    prints only what goes wrong
  -v, --verbose  also prints the device, the settings, and the seconds of each stage"""
PROCESSES = """
Several processes that work together, on one host or many; the first one writes:

  --coordinator=HOST:PORT  where the first one listens; auto where the cluster knows (TPU, SLURM)
  --num_processes=N        how many there are
  --process_id=K           which of them this is, from 0
"""
_LIGHT_HELP = """\
  --wet=X        how much of the wet paint below its start a stroke carries along, 0 to 1
  --relief=X     height of the paint that light falls on, 0 to 3; 0 shows the colours alone
  --light=X      where light comes from, in degrees, counter-clockwise from the right
  --gloss=X      strength of highlights, 0 to 3
  --ground=NAME  what is painted on: linen, paper or none"""


@dataclasses.dataclass(frozen=True)
class CommandLine(Generic[_Kind]):
    """A parsed command line with settings.

    Attributes:
      files: the arguments that are not flags.
      flags: the flags.
      settings: the settings from the file of settings and `--config.KEY`.
      asked: names of the settings that the user gave, and with which a resumed painting has to agree.
      again: the command that resumes after Ctrl-C.
      read: paths of the file of settings, and of whatever else the settings may name.
    """

    files: list[pathlib.Path]
    flags: flags.FlagValues
    settings: _Kind
    asked: list[str]
    again: str
    read: list[pathlib.Path]


def command_line(
    argv: Sequence[str], values: flags.FlagValues, kind: type[_Kind], *, config: str, usage: str
) -> CommandLine[_Kind] | None:
    """Parses a command line with settings.

    Args:
      argv: the program's name and its arguments.
      values: the defined flags.
      kind: class of the settings.
      config: name of the default file of settings.
      usage: text that `--help` prints above the settings.

    Returns:
      The command line; None if `--help` was given, after printing the help.

    Raises:
      Refused: a flag, a file of settings or a setting is wrong.
    """
    path, rest = split_config(argv)
    config_path = find_config(path, default=config)
    chosen = load_config(config_path)
    if key := _key_of_help(rest):
        print(_explain(key, kind, chosen, config_path.name))
        return None
    define_config(values, kind.defaults(), rest)
    flags.DEFINE_string("coordinator", None, "the first process", flag_values=values)
    flags.DEFINE_integer("num_processes", None, "how many", 1, flag_values=values)
    flags.DEFINE_integer("process_id", None, "which", 0, flag_values=values)
    files = [pathlib.Path(name) for name in parse(values, rest)]
    if values.help:
        print_usage(usage, argv, config=config_path.name)
        print(describe(kind, kind.defaults() | chosen))
        print(PROCESSES, end="")
        return None
    changes = overrides(values)
    light = light_of(values) if issubclass(kind, Settings) else {}
    given, read = {**chosen, **changes, **light}, [config_path]
    try:
        for name, reader in (("palette", read_palette), ("pigments", read_pigments)):
            file = pathlib.Path(str(given.get(name, "")))
            if issubclass(kind, Settings) and file.suffix and "#" not in file.name:
                # The settings hold the colours, so that the painting can be drawn and resumed without the file.
                given[name] = reader(file)
                read.append(file)
        settings = kind.from_config(given)
    except (ValueError, TypeError) as error:
        raise Refused(error) from None
    usual = kind.defaults()
    changed = [f"{key}={value}" for key, value in vars(settings).items() if value != usual[key]]
    _log.info("%s", ", ".join([f"settings of {config_path.name}", *changed]))
    resumed = "resume" not in values or values.resume
    return CommandLine(
        files=files,
        flags=values,
        settings=settings,
        asked=[*changes, *(chosen if path else ())],
        again=shlex.join(argv if resumed else [*argv, "--resume"]),
        read=[*read, *(pathlib.Path(value) for value in vars(settings).values() if value and isinstance(value, str))],
    )


def define_flags(*, out: str | None = None) -> flags.FlagValues:
    """Defines a new set of flags: those of every command, size, dpi and timelapse.

    Args:
      out: default output folder of a resumable command, or None. A resumable command also gets the flags out,
        formats, preview, report, resume, page and salvage.
    """
    values = basic_flags()
    define_print(values)
    flags.DEFINE_boolean("timelapse", False, "also a video", flag_values=values)
    if out is not None:
        flags.DEFINE_string("out", out, "folder or picture", short_name="o", flag_values=values)
        define_formats(values)
        flags.DEFINE_boolean("preview", False, "shows pictures", flag_values=values)
        flags.DEFINE_boolean("report", False, "also NAME.json", flag_values=values)
        flags.DEFINE_boolean("resume", False, "go on", flag_values=values)
        flags.DEFINE_integer("page", None, "of a file of several", 1, flag_values=values)
        flags.DEFINE_boolean("salvage", False, "read cut JPEGs", flag_values=values)
    return values


def define_print(values: flags.FlagValues) -> None:
    """Defines the flags of a drawing's size.

    After `parse`, `size` is the long side in pixels, and `dpi` the resolution that the drawing records, in pixels per
    inch; each None if the user gave none.
    """
    flags.DEFINE(_SizeParser(), "size", None, "long side", flag_values=values)
    flags.DEFINE_integer("dpi", None, "pixels per inch", 1, _MOST_DPI, flag_values=values)


class _Length(NamedTuple):
    """A length of a print in inches, and how the user wrote it."""

    inches: float
    text: str


class _SizeParser(flags.ArgumentParser["int | _Length"]):
    """Parses a number of pixels, or a length with its unit."""

    def parse(self, argument: str) -> int | _Length:
        """The number of pixels, or the length.

        Raises:
          ValueError: the text is neither, or the number is out of range.
        """
        text = argument.strip().lower()
        if re.fullmatch(r"[+-]?[0-9]+", text):
            return _in_range(int(text))
        found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]*)?) ?([a-z]+)", text)
        if not found or found[2] not in _UNITS:
            raise ValueError("expected pixels, or a length such as 30cm, 300mm or 12in")
        return _Length(float(found[1]) / _UNITS[found[2]], argument)


def _in_range(size: int, at: str = "") -> int:
    """A long side in pixels; `at` is the resolution that it follows from, for the error message.

    Raises:
      ValueError: a drawing can't have this size.
    """
    if not 1 <= size <= pictures.LARGEST:
        raise ValueError(f"expected 1 to {pictures.LARGEST} pixels, got {size}{at}")
    return size


def _to_pixels(values: flags.FlagValues) -> None:
    """Turns a length as `--size` into pixels, by `--dpi`.

    Raises:
      Refused: a drawing can't have this size.
    """
    length = values.size if "dpi" in values else None
    if isinstance(length, _Length):
        values["dpi"].value = dpi = values.dpi or _DPI
        try:
            values["size"].value = _in_range(round(length.inches * dpi), f" at {dpi} dpi")
        except ValueError as error:
            raise Refused(f"--size={length.text}: {error}") from None


def print_usage(text: str, argv: Sequence[str], **names: str) -> None:
    """Prints the text of `--help`, in which names in braces stand for words that commands share, and for `names`."""
    shared = {
        "light": _LIGHT_HELP,
        "formats": _FORMATS_HELP,
        "order": _ORDER_HELP,
        "overwrite": _OVERWRITE_HELP,
        "photo": _PHOTO_HELP,
        "dpi": _DPI_HELP,
    }
    shared |= {"preview": _PREVIEW_HELP, "quiet": _QUIET_HELP, "help": _HELP_HELP}
    print(text.format(program=program_of(argv), **shared, **names), end="")


def basic_flags() -> flags.FlagValues:
    """Defines a new set of the flags of every command: overwrite, quiet, verbose and help."""
    values = flags.FlagValues()
    flags.DEFINE_boolean("quiet", False, "no progress", short_name="q", flag_values=values)
    flags.DEFINE_boolean("verbose", False, "says more", short_name="v", flag_values=values)
    flags.DEFINE_boolean("overwrite", False, "replace other files, too", flag_values=values)
    flags.DEFINE_boolean("help", False, "help", short_name="h", flag_values=values)
    return values


def define_light(values: flags.FlagValues) -> None:
    """Defines a flag for each setting in `LIGHT`."""
    define_settings(values, Settings, LIGHT)


def define_settings(values: flags.FlagValues, kind: type[Checked], names: Collection[str]) -> None:
    """Defines a flag for some settings of a class, by their bare names; a flag that is not given is None.

    A name that has a flag already, of another class, shares it.
    """
    for field in dataclasses.fields(kind):
        about = field.metadata
        bounds = about["low"], about["high"]
        if field.name not in names or field.name in values:
            continue
        if about["choices"]:
            flags.DEFINE_enum(field.name, None, about["choices"], about["meaning"], flag_values=values)
        elif isinstance(field.default, bool):
            flags.DEFINE_boolean(field.name, None, about["meaning"], flag_values=values)
        elif isinstance(field.default, str):
            flags.DEFINE_string(field.name, None, about["meaning"], flag_values=values)
        elif isinstance(field.default, int):
            flags.DEFINE_integer(field.name, None, about["meaning"], *bounds, flag_values=values)
        else:
            flags.DEFINE_float(field.name, None, about["meaning"], *bounds, flag_values=values)


def define_order(values: flags.FlagValues) -> None:
    """Defines the flag `order`: None, or one of `ORDERS`."""
    flags.DEFINE_enum("order", None, ORDERS, "order of the strokes", flag_values=values)


def define_formats(values: flags.FlagValues) -> None:
    """Defines the flag `formats`; see `formats_of`."""
    flags.DEFINE_list("formats", [], "formats to export", flag_values=values)


def formats_of(values: flags.FlagValues) -> list[str]:
    """Endings of the files of the formats that a painting is exported in.

    Raises:
      Refused: a format is unknown.
    """
    known = {ending[1:]: ending for ending in EXPORTS}
    asked = [each.strip().lower().removeprefix(".") for each in values.formats]
    for each in asked:
        if each not in known:
            raise Refused(f"--formats={each}: expected {', '.join(known)}")
    return [known[each] for each in asked]


def define_style(values: flags.FlagValues) -> None:
    """Defines the flag `style`; see `styles_of`."""
    flags.DEFINE_multi_string("style", [], "style pictures", flag_values=values)


def styles_of(values: flags.FlagValues) -> list[pathlib.Path]:
    """Paths of the style pictures: of several flags, and of several pictures with commas in one.

    A name with a comma in it is a picture's, if there is such a file.

    Raises:
      Refused: a name is empty.
    """
    paths: list[pathlib.Path] = []
    for given in values.style:
        whole = pathlib.Path(given).expanduser()
        parts = [given] if whole.exists() else next(csv.reader([given], skipinitialspace=True), [])
        if not all(parts):
            raise Refused(f"--style={given}: expected names of pictures, with commas between them")
        paths += [pathlib.Path(part).expanduser() for part in parts]
    return paths


def light_of(values: flags.FlagValues) -> dict[str, Any]:
    """Values of the flags of `define_light` that the user gave, by name."""
    return given(values, LIGHT)


def given(values: flags.FlagValues, names: Iterable[str]) -> dict[str, Any]:
    """Values of the flags of `define_settings` that the user gave, by name."""
    return {name: values[name].value for name in names if name in values and values[name].value is not None}


def parse(values: flags.FlagValues, argv: Sequence[str]) -> list[str]:
    """Parses flags into `values`.

    Returns:
      The arguments that are not flags.

    Raises:
      Refused: an unknown flag, or a bad or empty value.
    """
    try:
        files = values(argv)[1:]
    except flags.IllegalFlagValueError as error:
        message = str(error).removeprefix("flag ")
        for pattern, expected in _EXPECTED.items():
            message = re.sub(pattern, expected, message)
        raise Refused(message) from None
    except flags.UnrecognizedFlagError as error:
        for word in argv[1:]:
            if word.startswith("-") and os.path.exists(word):
                raise Refused(f"{word}: no such flag; the file of that name is ./{word}") from None
        # Settings by their bare names, too.
        known = {key: f"config.{key}" for key in (values["config"].value or () if "config" in values else ())}
        known |= {name: name for name in values}
        near = difflib.get_close_matches(error.flagname, known, n=1)
        hint = f"did you mean --{known[near[0]]}?" if near else "see --help"
        raise Refused(f"--{error.flagname}: no such flag; {hint}") from None
    except flags.Error as error:
        raise Refused(f"{str(error).removeprefix('ERROR:: ').rstrip('.')}; see --help") from None
    for name in values:
        # Settings may be empty: many have a meaning for that.
        if values[name].present and values[name].value in ("", [""]) and not name.startswith("config."):
            raise Refused(f"--{values[name].name}=: expected a value; see --help")
    _to_pixels(values)
    if values.verbose:
        say_more()
    if "" in files:
        raise Refused("expected the name of a file, got an empty one; see --help")
    for flag in (values[name] for name in values):
        # Shells expand a ~ at the beginning of a word, but not after a flag's =.
        if isinstance(flag.value, str):
            flag.value = os.path.expanduser(flag.value)
    return files


# Messages of Python and absl for a value of the wrong type, and our messages.
_EXPECTED = {
    "invalid literal for int.*": "expected an integer",
    "could not convert string to float.*": "expected a number",
    r"\(?'?Non-boolean argument.*": "expected true or false",
}


def define_config(values: flags.FlagValues, defaults: dict[str, Any], argv: Sequence[str]) -> None:
    """Defines `--config.KEY` for every key of `defaults`, with the type of its default.

    Raises:
      Refused: the command line names an unknown key.
    """
    flagged = argv[: argv.index("--")] if "--" in argv else argv
    matches = [match for word in flagged if (match := re.match(r"--?(?:no)?config\.([^=]*)", word))]
    for match in matches:
        if match[1] not in defaults:
            raise Refused(unknown_key(match[1], defaults))
    config_flags.DEFINE_config_dict(
        "config",
        ml_collections.ConfigDict(defaults),
        flag_values=values,
        sys_argv=[match[0] for match in matches],
    )


def overrides(values: flags.FlagValues) -> dict[str, Any]:
    """The settings given with `--config.KEY`, by key."""
    found = config_flags.get_override_values(values["config"])
    return {key: os.path.expanduser(value) if isinstance(value, str) else value for key, value in found.items()}


def describe(kind: type[Checked], config: Mapping[str, object]) -> str:
    """Formats settings as a table of key, value and meaning, under the titles of their groups."""
    meanings = kind.meanings()
    shown = {key: str(config[key]).lower() if isinstance(config[key], bool) else str(config[key]) for key in meanings}
    shown = {key: value or "none" for key, value in shown.items()}
    keys, values = (max(map(len, column)) for column in (shown, shown.values()))
    parts = []
    for title, names in kind.grouped().items():
        rows = [f"  {name:<{keys}} {shown[name]:<{values}} {meanings[name]}" for name in names]
        parts.append("\n".join([title, *rows]))
    return "\n\n".join(parts)


def _key_of_help(argv: Sequence[str]) -> str:
    """The KEY of `--help=KEY`; empty without this flag."""
    flagged = argv[: argv.index("--")] if "--" in argv else argv
    found = [match[1] for word in flagged if (match := re.fullmatch(r"--?h(?:elp)?=(?:-*config\.)?(.*)", word))]
    return found[-1] if found else ""


def _explain(key: str, kind: type[Checked], chosen: Mapping[str, object], file: str) -> str:
    """Explains one setting.

    Raises:
      Refused: there is no setting of this name.
    """
    if key not in kind.defaults():
        raise Refused(f"--help={key}: {unknown_key(key, kind.defaults())}")
    value = chosen.get(key, kind.defaults()[key])
    shown = str(value).lower() if isinstance(value, bool) else value
    where = f"in {file}"
    rows = [("expected", kind.expectation(key)), (where, "empty" if value == "" else shown)]
    width = max(len(name) for name, _ in rows)
    return "\n".join([f"{key}: {kind.meanings()[key]}", "", *(f"  {name:<{width}}  {text}" for name, text in rows)])


def split_config(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Takes `--config=FILE` out of the command line.

    Returns:
      FILE, or None without the flag, and the other arguments.
    """
    path, rest, arguments = None, [], iter(argv)
    for argument in arguments:
        if argument == "--":
            rest += [argument, *arguments]
        elif argument in ("--config", "-config"):
            path = next(arguments, "")
        elif match := re.fullmatch("--?config=(.*)", argument):
            path = match[1]
        else:
            rest.append(argument)
    return path, rest


def find_config(path: str | None, *, default: str, flag: str = "config") -> pathlib.Path:
    """Finds a file of settings: the given file, or else the package's file of that name.

    Raises:
      Refused: neither file exists.
    """
    package = pathlib.Path(__file__).resolve().parents[1]
    shipped = next(f for f in (package / "configs", package.parent / "configs") if f.is_dir())
    given = pathlib.Path(default if path is None else path).expanduser()
    candidates = [shipped / f"{given.stem}.py"] if path is None else [given, shipped / f"{given.stem}.py"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if given.exists():
        raise Refused(f"--{flag}={path}: expected a file of settings, got a folder, a pipe or a device")
    near = difflib.get_close_matches(f"{given.stem}.py", [each.name for each in shipped.glob("*.py")], n=1)
    raise Refused(f"--{flag}={path}: no such file" + (f"; did you mean {near[0]}?" if near else ""))


def load_config(path: pathlib.Path, *, flag: str = "config") -> dict[str, Any]:
    """Reads a file of settings: a JSON object, or a Python program, which is run, with a function `get_config`.

    Raises:
      Refused: the file fails, or has no `get_config`.
    """
    try:
        if path.suffix.lower() == ".json":
            found = json.loads(path.read_text(encoding="utf-8-sig"))
            if not isinstance(found, dict):
                raise Refused(f"--{flag}={path}: expected a JSON object of keys and values")
            return found
        found = runpy.run_path(str(path))
        if "get_config" not in found:
            raise Refused(f"--{flag}={path}: expected a Python file with a function get_config, or a JSON file")
        config = found["get_config"]()
        return {key: config[key] for key in config}
    except Refused:
        raise
    except (Exception, SystemExit) as error:  # A Python file is a user's program, and may do anything.
        raise Refused(f"--{flag}={path}: {type(error).__name__}: {error}") from None
