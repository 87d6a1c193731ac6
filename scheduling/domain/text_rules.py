"""Rules about the characters of a text: controls, invisible and look-alike characters, hashtags and mentions."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

# C0 and C1 except the tab and the ends of lines: LF, or CR followed by LF.
CONTROL = re.compile(r"(?!\r\n)[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt: fonts draw nothing for them.
IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Drawn empty although they are neither ignorable nor white space: the Braille cell without dots, the null notehead,
# the blanks of Egyptian hieroglyphs, annotation controls. Then the separators of lines and paragraphs, halves of
# surrogate pairs, and noncharacters.
BLANK = "\u2800\U0001d159\U00013441\U00013442\ufff9-\ufffb\u2028\u2029\ud800-\udfff\ufdd0-\ufdef" + "".join(
    chr(plane + last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)
)
INVISIBLE = re.compile(rf"(?!\r\n)[\x00-\x08\x0b-\x1f\x7f-\x9f{IGNORABLE}{BLANK}]")
# Invisible characters that emoji are written with: variation selectors, the joiner of two emoji, the keycap's selector,
# and the tags of the flags of England, Scotland and Wales. Other tags can hide a text. EMOJI has the blocks of emoji.
EMOJI = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
FLAGS = "|".join("".join(chr(0xE0000 + ord(letter)) for letter in name) for name in ("gbeng", "gbsct", "gbwls"))
EMOJI_WRITING = re.compile(
    rf"(?<={EMOJI})[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?:(?<={EMOJI})|(?<=\ufe0f))\u200d(?={EMOJI})"
    rf"|(?<=\U0001f3f4)(?:{FLAGS})\U000e007f"
)
JOINER = re.compile("[\u200c\u200d]")
# Scripts that are written with joiners inside a word, by the first word of the names of their characters.
JOINED_SCRIPTS = {
    "ARABIC", "SYRIAC", "MANDAIC", "NKO", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA",
    "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "TIBETAN", "MYANMAR", "KHMER", "BALINESE", "JAVANESE",
}  # fmt: skip
# Scripts that one language writes together: UTS 39, "Highly Restrictive", without Latin.
WRITTEN_TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "BOPOMOFO"}, {"CJK", "HANGUL"})
# URLs end at white space or at the signs that enclose them. `x.pt/` is one too, `x.pt` alone has no sign to count.
# The look-behinds make each scan linear: it starts only where such a text can start.
URL = re.compile(
    r"(?:[a-z][a-z0-9+.-]{0,20}://|(?<![a-z0-9])www\.(?=[a-z0-9_])|(?<![a-z0-9_@.#\uff20\uff03-])(?:[a-z0-9-]+\.)+[a-z]{2,}(?::[0-9]+)?/)"
    r"[^\s<>\"]*",
    re.IGNORECASE,
)
EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+'@#\uff20\uff03-])[A-Za-z0-9._%+'-]+@[^\s@#\uff20\uff03.,;:!?<>()\"]+(?:\.[^\s@#\uff20\uff03.,;:!?<>()\"]+)+"
)


class InvisibleCharacter(NamedTuple):
    """A character at `position` of a text that a reader does not see. `name` is Unicode's, such as ZERO WIDTH SPACE."""

    position: int
    character: str
    name: str

    @property
    def code(self) -> str:
        return f"U+{ord(self.character):04X}"


def control_characters(text: str) -> list[InvisibleCharacter]:
    """Return the C0 and C1 controls of the text except tabs and ends of lines."""
    return [_describe(match) for match in CONTROL.finditer(text)]


def invisible_characters(text: str) -> list[InvisibleCharacter]:
    """Return the characters that a reader does not see, in their order.

    These are controls, format characters such as those that reverse the direction of a line, separators, characters
    that fonts draw empty, and what is not a character. White space is not one of them, nor is what belongs to the
    writing: selectors and joiners of emoji, joiners inside a word of a script that needs them.
    """
    written = {index for match in EMOJI_WRITING.finditer(text) for index in range(*match.span())}
    written |= {match.start() for match in JOINER.finditer(text) if _is_inside_word(text, match.start())}
    return [_describe(match) for match in INVISIBLE.finditer(text) if match.start() not in written]


def is_visible(text: str) -> bool:
    """Whether a reader sees anything: white space, invisible characters and marks without a letter show nothing."""
    return any(
        not character.isspace() and not INVISIBLE.match(character) and unicodedata.category(character)[0] != "M"
        for character in text
    )


def mixed_scripts(text: str) -> list[str]:
    """Return the scripts of a host or word by name when no language writes them together, else an empty list.

    The labels of a host count together, because a Cyrillic label between `www` and `com` looks like a Latin one.
    `xn--` labels are decoded first. Digits and punctuation have no script.
    """
    scripts = set(_scripts(unicodedata.normalize("NFKC", unicode_host(text))))
    if len(scripts) < 2 or any(scripts <= together for together in WRITTEN_TOGETHER):
        return []
    return sorted("Han" if script == "CJK" else script.title() for script in scripts)


def count_hashtags(text: str) -> int:
    """Count `#`, also full-width, followed by a letter, digit or `_` of any script, not preceded by one or by a mark.

    URLs and e-mail addresses are cut out first. The live counter of the form and the sandbox have implementations of
    their own; tests/vectors/counting.json holds what all three return.
    """
    return _count_signs(text, "#\uff03")


def count_mentions(text: str) -> int:
    """Count `@`, also full-width, by the rule of `count_hashtags`."""
    return _count_signs(text, "@\uff20")


def ascii_host(host: str) -> str:
    """Return the host with `xn--` labels in place of labels with other characters than ASCII (UTS 46)."""
    labels = unicodedata.normalize("NFKC", host.lower()).replace("\u3002", ".").split(".")
    return ".".join(label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)


def unicode_host(host: str) -> str:
    """Return the host with decoded `xn--` labels; a label that cannot be decoded stays as it is."""
    return ".".join(_decode_label(label) for label in host.split("."))


def _describe(match: re.Match[str]) -> InvisibleCharacter:
    character = match.group()
    kind = {"Cc": "CONTROL CHARACTER", "Cs": "HALF OF A SURROGATE PAIR"}.get(unicodedata.category(character))
    return InvisibleCharacter(match.start(), character, unicodedata.name(character, kind or "NOT A CHARACTER"))


def _is_inside_word(text: str, index: int) -> bool:
    around = (text[index - 1 : index], text[index + 1 : index + 2])
    return all(unicodedata.name(item, "").split(" ")[0] in JOINED_SCRIPTS if item else False for item in around)


def _count_signs(text: str, signs: str) -> int:
    text = f" {EMAIL.sub(' ', URL.sub(' ', text))} "
    return sum(
        character in signs and _is_word_character(text[index + 1]) and not _ends_word(text[index - 1])
        for index, character in enumerate(text)
    )


def _is_word_character(character: str) -> bool:
    return character == "_" or unicodedata.category(character) in {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd"}


def _ends_word(character: str) -> bool:
    """Whether it is a word character or a mark of one; the selectors and the keycap of emoji are marks too."""
    if _is_word_character(character):
        return True
    return unicodedata.category(character) in {"Mn", "Mc"} and not "\ufe00" <= character <= "\ufe0f"


def _scripts(text: str) -> Iterator[str]:
    for character in text:
        # The long vowel mark is written in Hiragana and in Katakana.
        if unicodedata.category(character)[0] == "L" and character != "\u30fc":
            yield unicodedata.name(character, "UNKNOWN").split()[0]


def _decode_label(label: str) -> str:
    if label[:4].lower() != "xn--":
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
