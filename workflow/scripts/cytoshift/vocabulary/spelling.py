"""When are two spellings of a name the same, and what is a safe id for a name nobody listed?"""

from __future__ import annotations

import hashlib
import re
import unicodedata

# Both spellings of a Greek letter become its Latin stand-in, so "TNF-α", "TNF alpha" and "TNFa" meet.
_GREEK = {
    "α": ("alpha", "a"),
    "β": ("beta", "b"),
    "γ": ("gamma", "g"),
    "δ": ("delta", "d"),
    "ε": ("epsilon", "e"),
    "κ": ("kappa", "k"),
    "λ": ("lambda", "l"),
    "ω": ("omega", "w"),  # the gene of IFN-ω is IFNW1
}
_GREEK_LETTERS = str.maketrans({letter: latin for letter, (_, latin) in _GREEK.items()})
_GREEK_NAMES = str.maketrans({letter: name for letter, (name, _) in _GREEK.items()})
_GREEK_WORDS = dict(_GREEK.values()) | {"alfa": "a", "gama": "g"}  # as several languages spell them
_GREEK_WORD = re.compile("|".join(_GREEK_WORDS))

_BEAD_REGION = re.compile(r"\s\(\d{1,3}\)\s*$")
_UNIT = re.compile(r"\s*[(\[][^()\[\]]*/\s*(?:[mdun]?l|μl|mm3)\s*[)\]]\s*$", re.IGNORECASE)
_SPECIES = re.compile(r"^\s*(?:(?i:hu|human)[\s_.-]+(?=\S)|(?:h|hu)(?=[A-Z]))")
# A minus right behind a marker ("CD3- CD56+", "CD45RA-CCR7+") says negative; any other hyphen is spelling.
_NEGATIVE = re.compile(r"(?<=\w)[-−–](?=\s|$|[/,]|cd\d|ccr\d|cxcr\d|ig[demg]|hla|foxp3)", re.IGNORECASE)


def normalize_name(written: str) -> str:
    """Matching key of a name: two spellings of one name have the same key.

    Case, accents, spaces and punctuation are ignored; Greek letters and their names become one Latin letter; a
    bead region ("IL-6 (25)"), a unit in brackets ("IL-6 (pg/mL)") and a species prefix ("hIL-6", "Hu IL-6") go.

    Parameters: `written`, any text. Returns: letters and digits only, empty where there are none; normalizing a
    key again returns it.
    """
    # ß is what many exports make of β.
    text = unicodedata.normalize("NFKC", written).replace("ß", "β")
    text = _BEAD_REGION.sub("", text)
    text = _UNIT.sub("", text)
    text = _SPECIES.sub("", text)
    while (folded := _fold(text)) != text:
        text = folded
    return text


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_GREEK_LETTERS)
    text = "".join(character for character in text if character.isalnum())
    return _GREEK_WORD.sub(lambda word: _GREEK_WORDS[word.group()], text)


def normalize_population(written: str) -> str:
    """Matching key of a cell population's name: `normalize_name`, with the signs of markers kept.

    "CD3-" is not "CD3+", and "CD14++" not "CD14+"; "CD4+" and "CD4" are one. Parameters: `written`, any text.
    Returns: letters and digits only.
    """
    signed = _NEGATIVE.sub("neg ", unicodedata.normalize("NFKC", written)).replace("++", "hi ")
    return normalize_name(signed)


def make_id(written: str) -> str:
    """Harmless id for a name that is not in the vocabulary.

    Parameters: `written`, any text. Returns: 1 to 60 characters of [a-z0-9_], always the same for the same text.
    Different texts can share an id ("a b", "a-b"): a caller that needs distinct ids checks for that. A text without
    Latin letters or digits, or too long, gets eight hexadecimal digits of its SHA-256.
    """
    text = _NEGATIVE.sub(" neg ", unicodedata.normalize("NFKC", written)).replace("+", " pos ")
    text = unicodedata.normalize("NFKD", text.casefold()).translate(_GREEK_NAMES)
    text = "".join(character for character in text if not unicodedata.combining(character))
    safe = re.sub(r"[^a-z0-9]+", "_", text).strip("_")
    if safe and len(safe) <= 60:
        return safe
    digest = hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe[:51].rstrip('_') or 'name'}_{digest}"
