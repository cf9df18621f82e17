"""Settings: defaults, ranges and meanings are declared in one place, and values are checked on creation."""

from __future__ import annotations

import dataclasses
import difflib
import math
import numbers
import re
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Self

from jaxpaint import pigments
from jaxpaint.architectures import ARCHITECTURES
from jaxpaint.brushes import BRUSHES, Brush
from jaxpaint.losses.terms import TERMS


def setting(
    default: Any,
    meaning: str,
    low: Any = None,
    high: Any = None,
    *,
    choices: tuple[str, ...] = (),
    before: Any = None,
) -> Any:
    """Declares a field of `Checked` settings.

    Args:
      default: the default value.
      meaning: one line of text for the user.
      low, high: range of a number, with both ends.
      choices: allowed values of a text.
      before: value for files that lack the field, if other than the default.
    """
    metadata = {"meaning": meaning, "low": low, "high": high, "choices": choices, "before": before}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Checked:
    """Settings with fields declared by `setting`; a value of another type or out of range is refused.

    Raises:
      ValueError, TypeError: one line, such as `config.strokes: expected an integer from 1 to 9, got 0`.
    """

    # Titles, and the settings under each title. Other settings, such as new loss terms, are under the last title.
    groups: ClassVar[Mapping[str, str]] = {"Settings": ""}
    # What messages put before a setting's name.
    prefix: ClassVar[str] = "config."

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name), self.prefix))

    @classmethod
    def check(cls, settings: object) -> None:
        """Refuses anything but settings of exactly this class.

        Raises:
          TypeError: one line, such as `expected settings as Settings, got dict; Settings.from_config converts it`.
        """
        if type(settings) is not cls:
            hint = f"; {cls.__name__}.from_config converts it" if hasattr(settings, "keys") else ""
            raise TypeError(f"expected settings as {cls.__name__}, got {type(settings).__name__}{hint}")

    @classmethod
    def from_config(cls, config: Any) -> Self:
        """Makes settings from a `ConfigDict` or a dict; missing keys get their default, and lists are text with commas.

        Raises:
          ValueError, TypeError: a key is unknown, or a value has the wrong type or is out of range.
        """
        if not hasattr(config, "keys"):
            raise TypeError(f"expected settings as a dict of keys and values, got {type(config).__name__}")
        values = {key: config[key] for key in config}
        for key, value in values.items():
            if isinstance(value, list | tuple):
                values[key] = ",".join(map(str, value))
        known = cls.defaults()
        for key in values:
            if key not in known:
                raise ValueError(unknown_key(key, known, cls.prefix))
        return cls(**values)

    @classmethod
    def from_file(cls, config: Mapping[str, Any]) -> Self:
        """Makes settings from a file's contents; missing keys get the value from before the key existed."""
        before = {field.name: field.metadata["before"] for field in dataclasses.fields(cls)}
        return cls.from_config({name: value for name, value in before.items() if value is not None} | dict(config))

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Every setting and its default; a class's own settings come before inherited ones."""
        every = {field.name: field.default for field in dataclasses.fields(cls)}
        order = [name for kind in cls.__mro__ for name in vars(kind).get("__annotations__", ())]
        return {name: every[name] for name in dict.fromkeys(order) if name in every}

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """Every setting and its meaning, in one line each."""
        every = {field.name: field.metadata["meaning"] for field in dataclasses.fields(cls)}
        return {name: every[name] for name in cls.defaults()}

    @classmethod
    def grouped(cls) -> dict[str, list[str]]:
        """Names of all settings, by the titles of `groups`."""
        named = {title: names.split() for title, names in cls.groups.items()}
        titled = {name for names in named.values() for name in names}
        named[list(named)[-1]] += [name for name in cls.defaults() if name not in titled]
        return named

    @classmethod
    def expectation(cls, name: str) -> str:
        """The allowed values of a setting, such as `an integer from 1 to 9`."""
        return _expectation(next(field for field in dataclasses.fields(cls) if field.name == name))


# Few strokes, large enough to be seen as strokes. For photographs to be styled, the style determines sizes and number.
BOLD = {"brush": "filbert", "strokes": 1000, "min_size": 0.008, "max_aspect": 10.0}
# Seeds have 32 bits.
MOST_SEED = 2**32 - 1
# Most strokes of a painting.
MOST_STROKES = 100_000
# Most colours of a palette, and how many are mixed from pigments by default.
MOST_COLORS, _MIXED = 64, 24
# Settings of the paint's surface and of the light, which change a drawing but not its strokes.
LIGHT = ("wet", "relief", "light", "gloss", "ground")


class _SuitableNumber(int):
    """A number derived from the other settings; `dataclasses.replace` derives it anew."""


class _SuitableText(str):
    """The text counterpart of `_SuitableNumber`, for choices."""


# Types of the shading network's arithmetic.
DTYPES = ("float32", "bfloat16")
# A setting for each term of the loss that has a meaning to users.
_WEIGHED = {name: term for name, term in TERMS.items() if term.meaning}
_LossWeights: Any = dataclasses.make_dataclass(
    "_LossWeights",
    [(name, float, setting(term.weight, term.meaning, 0.0, 1e6)) for name, term in _WEIGHED.items()],
    bases=(Checked,),
    frozen=True,
)


@dataclasses.dataclass(frozen=True)
class Settings(_LossWeights):  # type: ignore[misc]  # The base is made at run time.
    """Settings of a painting. Each field declares its range and meaning; other values are refused.

    Raises:
      ValueError, TypeError: a value is refused; one line names the expected values.
    """

    groups = {
        "Brush and strokes": "brush brush_image texture strokes min_size max_size max_aspect upright opaque solid",
        "Where strokes go": "detail simplify direction accents economy spread underpainting",
        "A goal, which chooses strokes, or strokes and steps": "psnr seconds",
        "Colour and light": "canvas_color transparent palette pigments palette_mix ink water layering jitter wet "
        "relief light gloss ground",
        "A network in place of the engine": "renderer weights dtype",
        "The fit": "size steps learning_rate softness aspect textured mode max_divide grid seed",
    }

    renderer: str = setting("exact", "what draws the strokes while they are fitted", choices=("exact", *ARCHITECTURES))
    weights: str = setting("", "a file of the renderer's weights, in place of those of the package")
    dtype: str = setting("float32", "numbers that a network's shading multiplies", choices=DTYPES)
    brush: str = setting("filbert", ", ".join(BRUSHES))
    brush_image: str = setting("", "a picture of your own brush, or a folder of them")
    texture: float = setting(1.0, "contrast of the brush's texture", 0.0, 2.0)
    mode: str = setting(
        "progressive", "coarse to fine, one grid, or blocks painted apart", choices=("progressive", "grid", "blocks")
    )
    strokes: int = setting(
        0, "how many strokes, fewer with an economy; 0: 1800, or 500 with a network", 0, MOST_STROKES
    )
    psnr: float = setting(0.0, "the fewest strokes that come this near to the photo, in dB; 0: none", 0.0, 60.0)
    seconds: float = setting(0.0, "strokes and steps that take this long on this machine; 0: none", 0.0, 86_400.0)
    max_divide: int = setting(0, "progressive: levels, the m-th with m² shares of strokes; 0: as suits", 0, 64)
    grid: int = setting(5, "grid, blocks: blocks along a side", 1, 64)
    size: int = setting(512, "long side, in pixels, at which strokes are fitted", 16, 4096)
    canvas_color: str = setting("white", "white, black, or r,g,b with each in [0, 1]")
    transparent: bool = setting(False, "strokes stay where the photograph is opaque; pictures come with alpha")
    ink: str = setting("", "one colour for all strokes, r,g,b; empty: any")
    palette: str = setting("", "few colours: how many; or #rrggbb,#rrggbb; or a file")
    pigments: str = setting("", "paints to mix colours from: zorn; or names, #rrggbb; or a file")
    palette_mix: bool = setting(False, "a stroke may go from one colour of the palette to another")
    underpainting: float = setting(
        0.025, "share of the strokes that cover the canvas first; oil brushes only", 0.0, 1.0
    )
    spread: float = setting(0.0, "share of the strokes that lie evenly over the picture, and stay", 0.0, 1.0)
    water: float = setting(0.0, "water in the paint: share of the picture's density that is left out", 0.0, 0.9)
    detail: str = setting("auto", "auto: more in faces, and in what stands out; or alike", choices=("auto", "alike"))
    simplify: float = setting(
        1.0, "how far faint, small details are left out where people seldom look", 0.0, 1.0, before=0.0
    )
    min_size: float = setting(0.0, "least width of a stroke, in long sides of the picture", 0.0, 1.0)
    max_size: float = setting(1.0, "greatest width of a stroke, in long sides of the picture", 0.0, 1.0)
    accents: float = setting(0.0, "share of the strokes that come last, small ones where most is missing", 0.0, 0.9)
    economy: float = setting(0.0, "leaves out strokes that change what they cover by less than this", 0.0, 1.0)
    max_aspect: float = setting(0.0, "greatest length of a stroke, in its widths; 0: any", 0.0, 100.0)
    steps: int = setting(0, "gradient steps, all levels together; 0: 280, or 60 with a network", 0, 100_000)
    learning_rate: float = setting(0.03, "size of the first steps", 1e-6, 1.0)
    softness: float = setting(1.0, "blur of the edges while fitting, in pixels", 0.0, 16.0)
    direction: float = setting(1.0, "how strongly strokes follow the picture's forms", 0.0, 10.0)
    aspect: float = setting(3.0, "length of new strokes, in widths, where their direction is sure", 1.0, 32.0)
    textured: bool = setting(True, "the last steps fit the texture as it is seen, not its average")
    upright: bool = setting(False, "strokes are not turned")
    opaque: bool = setting(False, "strokes let nothing through")
    solid: bool = setting(False, "each stroke has one colour, and lets nothing through")
    wet: float = setting(0.25, "how much of the wet paint below its start a stroke carries along", 0.0, 1.0)
    layering: str = setting(
        "auto",
        "strokes cover what is below, or darken it as glazes; auto: as suits",
        choices=("auto", "over", "glaze"),
        before="over",
    )
    jitter: float = setting(0.0, "how far colours of strokes stray by chance, after the fit", 0.0, 0.5)
    relief: float = setting(1.0, "height of the paint that light falls on; 0: none", 0.0, 3.0)
    light: float = setting(135.0, "where light comes from, in degrees, counter-clockwise from the right", 0.0, 360.0)
    gloss: float = setting(1.0, "strength of highlights on the paint", 0.0, 3.0)
    ground: str = setting(
        "auto", "what is painted on; auto: as suits the brush", choices=("auto", "linen", "paper", "none")
    )
    seed: int = setting(0, "another seed, another painting", 0, MOST_SEED)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            # The value was derived from the settings that `dataclasses.replace` started from, which may differ.
            if isinstance(getattr(self, field.name), (_SuitableNumber, _SuitableText)):
                object.__setattr__(self, field.name, field.default)
        super().__post_init__()
        brush = check_brush(self.brush, self.brush_image)
        # A network takes about a hundred times as long for a stroke.
        strokes, steps = (1800, 280) if self.renderer == "exact" else (500, 60)
        # Glazes only darken, so they need a light canvas. Mode blocks is another painter's method, whose strokes cover.
        glazes = self.mode != "blocks" and not self.solid and min(self.canvas_rgb) >= 0.5
        layering = brush.layering if glazes else "over"
        for name, number in (("strokes", strokes), ("steps", steps)):
            object.__setattr__(self, name, getattr(self, name) or _SuitableNumber(number))
        for name, text in (("ground", brush.ground), ("layering", layering)):
            chosen = getattr(self, name)
            object.__setattr__(self, name, _SuitableText(text) if chosen == "auto" else chosen)
        _parse_color("canvas_color", self.canvas_color)
        if self.solid:
            object.__setattr__(self, "opaque", True)
            for name, expected in (("layering", "over"), ("renderer", "exact")):
                if (value := getattr(self, name)) != expected:
                    raise ValueError(f"config.{name}: expected {expected} with solid strokes, got {value}")
        if self.transparent and self.mode == "blocks":
            raise ValueError(
                "config.mode: expected progressive or grid with transparent, got blocks, which are all full"
            )
        if self.ink:
            _parse_color("ink", self.ink)
        if self.palette:
            object.__setattr__(self, "palette", _checked_palette(self.palette))
        if self.pigments:
            object.__setattr__(self, "pigments", pigments.checked(self.pigments))
            if "#" in self.palette:
                raise ValueError(f"config.palette: expected a number of colours with pigments, got {self.palette!r}")
            object.__setattr__(self, "palette", self.palette or _SuitableText(_MIXED))
        if self.palette and self.ink:
            raise ValueError(f"config.ink: expected only without a palette and pigments, got {self.ink!r}")
        for name in ("weights", "dtype"):
            value = getattr(self, name)
            if self.renderer == "exact" and value != self.defaults()[name]:
                raise ValueError(f"config.{name}: expected only with a network as config.renderer, got {value!r}")
        if self.psnr and self.seconds:
            raise ValueError(
                f"config.seconds: expected one goal, psnr or seconds, got {self.seconds:g} with psnr {self.psnr:g}"
            )
        if self.min_size >= self.max_size:
            raise ValueError(
                f"config.min_size: expected less than max_size, got {self.min_size:g} and {self.max_size:g}"
            )
        if 0 < self.max_aspect < 1:
            raise ValueError(f"config.max_aspect: expected 0, or 1 or more, got {self.max_aspect:g}")
        if not any(self.loss_weights.values()):
            raise ValueError(f"config.{', '.join(_WEIGHED)}: expected at least one above 0, got 0 for all")

    @property
    def sought(self) -> tuple[str, ...]:
        """Names of the settings that a goal chooses anew; empty without a goal."""
        return ("strokes", "steps") if self.seconds else ("strokes",) if self.psnr else ()

    @property
    def loss_weights(self) -> dict[str, float]:
        """Weights of the loss's terms, by name."""
        return {name: getattr(self, name) for name in _WEIGHED}

    @property
    def canvas_rgb(self) -> tuple[float, float, float]:
        """The canvas colour as red, green and blue in [0, 1]."""
        return _parse_color("canvas_color", self.canvas_color)

    @property
    def palette_size(self) -> int:
        """Number of colours to find for the picture; 0 if the colours are given, or if any are allowed."""
        return 0 if "#" in self.palette else int(self.palette or 0)

    @property
    def palette_rgb(self) -> tuple[tuple[float, float, float], ...] | None:
        """The given colours of the palette as red, green and blue in [0, 1]; None without."""
        if "#" not in self.palette:
            return None
        channels = (bytes.fromhex(color) for color in self.palette.replace("#", "").split(","))
        return tuple((red / 255, green / 255, blue / 255) for red, green, blue in channels)

    @property
    def ink_rgb(self) -> tuple[float, float, float] | None:
        """The colour of all strokes as red, green and blue in [0, 1]; None if each has its own."""
        return _parse_color("ink", self.ink) if self.ink else None


@dataclasses.dataclass(frozen=True)
class FilmSettings(Settings):
    """Settings of a painted video: of each frame, and of the transition from one frame to the next.

    Raises:
      ValueError, TypeError: a value is refused; one line names the expected values.
    """

    groups = {
        "From frame to frame": "method stride interpolate frame_steps frame_rate stiffness renewed still style_steps "
        "style_rate nearness fixed_seed",
        **Settings.groups,
    }

    brush: str = setting("oilpaintbrush", ", ".join(BRUSHES))
    strokes: int = setting(1000, "how many strokes a frame has, exactly", 1, MOST_STROKES)
    detail: str = setting("alike", "where errors count most: auto, or all alike", choices=("auto", "alike"))
    simplify: float = setting(0.0, "how far faint, small details are left out where people seldom look", 0.0, 1.0)
    palette: str = setting("", "few colours: #rrggbb,#rrggbb; or a file; or with pigments, how many")
    underpainting: float = setting(0.0, "share of the first frame's strokes that cover the canvas first", 0.0, 1.0)
    direction: float = setting(0.0, "how strongly strokes follow the forms, in keyframes", 0.0, 10.0)
    method: str = setting(
        "persistent",
        "strokes that stay; frames painted near the previous one; or apart",
        choices=("persistent", "previous", "independent"),
    )
    stride: int = setting(1, "paints every so many-th frame", 1, 1000)
    interpolate: bool = setting(False, "persistent: strokes move on between painted frames")
    frame_steps: int = setting(42, "persistent: gradient steps a frame, twice as many if few strokes move", 1, 10_000)
    frame_rate: float = setting(0.03, "persistent: size of the first of them", 1e-6, 1.0)
    stiffness: float = setting(0.001, "persistent: how strongly strokes hold on to their place in the flow", 0.0, 1e3)
    renewed: float = setting(0.048, "persistent: share of the strokes that a frame may replace", 0.0, 1.0)
    still: float = setting(0.004, "persistent: change in brightness below which strokes are held", 0.0, 1.0)
    style_steps: int = setting(3, "persistent: steps of style transfer a frame, after the first", 0, 10_000)
    style_rate: float = setting(0.02, "persistent: size of the first of them", 1e-6, 1.0)
    nearness: float = setting(0.5, "previous: weight of the squared difference to the frame before", 0.0, 1e3)
    fixed_seed: bool = setting(False, "previous, independent: the same seed for every frame")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transparent:
            raise ValueError("config.transparent: expected false for a film, whose frames lie on the canvas, got true")
        if self.palette_size and not self.pigments:
            raise ValueError(
                f"config.palette: expected colours, as #rrggbb,#rrggbb or a file, for a film without pigments, got "
                f"{self.palette!r}"
            )
        for name in ("psnr", "seconds"):
            if value := getattr(self, name):
                raise ValueError(
                    f"config.{name}: expected 0 for a film, since strokes persist from frame to frame, got {value:g}"
                )
        if self.interpolate and self.method != "persistent":
            raise ValueError(f"config.interpolate: expected only with method persistent, got it with {self.method}")

    @property
    def painting(self) -> Settings:
        """Settings of a single frame's painting."""
        return Settings(**{name: getattr(self, name) for name in Settings.defaults()})


@dataclasses.dataclass(frozen=True)
class StyleSettings(Checked):
    """Settings of style transfer to a painting. Each field declares its range and meaning.

    The losses of content and details are relative to the painting's own content and details. The loss of the style is
    relative to the painting's original distance from the style. Weights therefore mean the same for any pictures,
    layers and networks.

    Raises:
      ValueError, TypeError: a value is refused; one line names the expected values.
    """

    groups = {
        "What changes, and what stays": "mode color style style_weights scale content laplacian l1 transport "
        "direction palette",
        "The network that looks": "vgg vgg_size style_layers content_layers laplacian_layers style_loss laplacian_form",
        "The fit": "steps learning_rate size",
    }

    mode: str = setting("full", "strokes take new shapes and colours, or colours alone", choices=("full", "color"))
    color: str = setting(
        "style", "the style's, or keep the painting's and change lightness alone", choices=("style", "keep")
    )
    content: float = setting(1.0, "weight of the distance to the original, in VGG features", 0.0, 1e6)
    l1: float = setting(1.0, "weight of the L1 distance to the original, in brightness", 0.0, 1e6)
    style: float = setting(5.0, "weight of the style: its strength", 0.0, 1e6)
    laplacian: float = setting(1.0, "weight of the distance to the original, in Laplacians", 0.0, 1e6)
    transport: float = setting(0.0, "weight of the transport cost to the original, at 64 pixels", 0.0, 1e6)
    direction: float = setting(
        3.0, "how strongly strokes follow the style's directions; not in films", 0.0, 10.0, before=0.0
    )
    palette: float = setting(2.5, "most standard deviations from the pictures' colours; 0: any", 0.0, 100.0)
    style_loss: str = setting("gram", "what of VGG's features makes a style", choices=("gram", "moments"))
    laplacian_form: str = setting(
        "picture", "details of pixels or of features", choices=("picture", "features", "both")
    )
    style_weights: str = setting("", "how much each style picture counts, w1,w2,…; empty: all alike")
    scale: float = setting(1.0, "long side of the style pictures, in those of the painting", 0.1, 4.0)
    steps: int = setting(100, "gradient steps", 1, 100_000)
    learning_rate: float = setting(0.05, "size of the first steps", 1e-6, 1.0)
    size: int = setting(0, "long side, in pixels, at which strokes move; 0: as painted", 0, 4096)
    vgg: str = setting("vgg16", "the network that looks: vgg16, or a file of weights")
    vgg_size: int = setting(224, "long side, in pixels, of the picture that it sees", 32, 2048)
    style_layers: str = setting("", "its layers that make a style; empty: as suits the mode")
    content_layers: str = setting("relu3_3", "its layers that make the content")
    laplacian_layers: str = setting("relu2_2,relu3_3", "its layers whose details count")

    def __post_init__(self) -> None:
        super().__post_init__()
        # Colours alone cannot follow the features of deep layers.
        suitable = "relu1_2,relu2_2" if self.mode == "color" else "relu1_2,relu2_2,relu3_3,relu4_1"
        object.__setattr__(self, "style_layers", self.style_layers or suitable)
        if self.style == 0:
            raise ValueError("config.style: expected a weight above 0, got 0")
        self.weights_of(self.style_weights.count(",") + 1)

    def weights_of(self, styles: int) -> tuple[float, ...]:
        """Weights of the style pictures, with a sum of 1.

        Args:
          styles: number of style pictures.

        Raises:
          ValueError: the numbers of weights and pictures differ, or a weight is not a number of 0 or more.
        """
        text = self.style_weights or ",".join(["1"] * styles)
        try:
            weights = [float(part) for part in text.split(",")]
        except ValueError:
            weights = []
        if len(weights) != styles or not all(0 <= w < math.inf for w in weights) or not sum(weights):
            raise ValueError(
                f"config.style_weights: expected {styles} numbers of 0 or more, with commas, got {self.style_weights!r}"
            )
        return tuple(weight / sum(weights) for weight in weights)


def unknown_key(key: object, known: Collection[str], prefix: str = Checked.prefix) -> str:
    """Error message for an unknown key."""
    near = difflib.get_close_matches(str(key), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(known)}"
    return f"{prefix}{key}: no such key; {hint}"


def _expectation(field: dataclasses.Field[Any]) -> str:
    meta: Mapping[str, Any] = field.metadata
    if meta["choices"]:
        return " or ".join(meta["choices"])
    kind = {bool: "true or false", int: "an integer", float: "a number", str: "text"}[type(field.default)]
    return kind if meta["low"] is None else f"{kind} from {meta['low']:.10g} to {meta['high']:.10g}"


def _checked(field: dataclasses.Field[Any], value: Any, prefix: str) -> Any:
    """Converts a value to the field's own type, after a check of its type and range."""
    kind: type = type(field.default)
    meta: Mapping[str, Any] = field.metadata
    abstract = {int: numbers.Integral, float: numbers.Real}.get(kind, kind)
    problem = f"{prefix}{field.name}: expected {_expectation(field)}, got {value!r}"
    if not isinstance(value, abstract) or isinstance(value, bool) != (kind is bool):
        raise TypeError(problem)
    # Checked before the conversion, because some integers exceed the range of floats.
    if meta["low"] is not None and not meta["low"] <= value <= meta["high"]:
        raise ValueError(problem)
    if meta["choices"] and value not in meta["choices"]:
        raise ValueError(problem)
    return kind(value)


def check_brush(name: str, image: str) -> Brush:
    """Refuses an unknown brush, and a brush picture for a brush that takes none.

    Returns:
      The brush of that name.

    Raises:
      ValueError: one line names the expected values.
    """
    if name not in BRUSHES:
        raise ValueError(f"config.brush: expected {' or '.join(BRUSHES)}, got {name!r}")
    if image and not BRUSHES[name].pictured:
        textured = " or ".join(name for name, brush in BRUSHES.items() if brush.pictured)
        raise ValueError(f"config.brush_image: expected only with {textured}, got it with {name}")
    return BRUSHES[name]


def _checked_palette(text: str) -> str:
    """A palette as it is kept: a number, or distinct colours in lower case."""
    found = "".join(text.lower().split())
    if re.fullmatch(r"\d{1,3}", found) and 1 <= int(found) <= MOST_COLORS:
        return str(int(found))
    colors = list(dict.fromkeys(found.split(",")))
    if len(colors) <= MOST_COLORS and all(re.fullmatch("#[0-9a-f]{6}", color) for color in colors):
        return ",".join(colors)
    raise ValueError(
        f"config.palette: expected a number from 1 to {MOST_COLORS}, up to {MOST_COLORS} colours as #rrggbb,#rrggbb, "
        f"or a file of them, got {text!r}"
    )


def _parse_color(name: str, text: str) -> tuple[float, float, float]:
    named = {"white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0)}
    if text in named:
        return named[text]
    problem = f"config.{name}: expected white, black, or r,g,b with each in [0, 1], got {text!r}"
    try:
        red, green, blue = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(problem) from None
    if not all(math.isfinite(part) and 0 <= part <= 1 for part in (red, green, blue)):
        raise ValueError(problem)
    return red, green, blue
