"""Turns text into the ids of an n-gram model, as the program that trained it does. Needs nothing but Python."""

import functools
import re
import unicodedata

SPACES = set("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}
LEET = dict(zip("0123456789", "oi2eas6tb9"))
ALIKE = {c: latin for latin, others in {
    "a": "аα", "b": "вβ", "c": "сϲ", "d": "ԁ", "e": "еёε", "h": "һн", "i": "іїι", "j": "ј", "k": "кκ", "l": "ӏ", "m": "мμ", "n": "ոη",
    "o": "оοσ", "p": "рρ", "s": "ѕ", "t": "тτ", "u": "υ", "v": "ν", "w": "ԝω", "x": "хχ", "y": "уγ"}.items() for c in others}


@functools.lru_cache(1 << 20)
def hashed(text):
    """FNV-1a, and MurmurHash3's finaliser, of 32 bits."""
    h = 2166136261
    for b in text.encode():
        h = (h ^ b) * 16777619 & 0xFFFFFFFF
    h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


def normalise(text):
    """NFKC without the marks on Latin, Greek and Cyrillic letters; after 30 marks in a row comes a joiner (stream-safe text)."""
    if text.isascii():
        return text
    out, marks, plain = [], 0, False
    for c in text:
        for d in unicodedata.normalize("NFKD", c):
            marks = marks + 1 if unicodedata.combining(d) else 0
            if marks > 30:
                out.append("\u034f")
                marks = 1
            out.append(d)
    kept = []
    for d in unicodedata.normalize("NFKD", "".join(out)):
        mark = unicodedata.category(d) == "Mn"
        if not (mark and plain):
            kept.append(d)
            plain = not mark and d < "\u0530"
    return unicodedata.normalize("NFKC", "".join(kept))


class Extractor:
    """Makes ids by the rules of a model.json's field "text"."""

    def __init__(self, buckets, max_bytes, **_):
        self.buckets, self.max_bytes = buckets, max_bytes

    def __call__(self, text):
        text = re.sub("[\ud800-\udfff]", "\ufffd", text)
        raw = text.encode()
        if len(raw) > self.max_bytes:
            half = self.max_bytes // 2
            text = raw[:half].decode(errors="ignore") + " " + raw[-half:].decode(errors="ignore")
        self.ids, self.single, self.before, self.words = set(), "", None, 0
        if re.search("[\uff01-\uff5e]", text):
            self.emit("x", "fullwidth")
        self.scan(normalise(text))
        return sorted(self.ids)

    def emit(self, kind, text):
        h, half = hashed(kind + text), self.buckets // 2
        self.ids.add(half + h % (self.buckets - half) if kind == "c" else 1 + h % (half - 1))

    def scan(self, text):
        word, apostrophe, letters, capitals, visible, symbols = "", False, 0, 0, 0, 0
        for c in text + "\n":
            kind = unicodedata.category(c)
            if kind == "Cf":
                self.emit("x", "zero-width")
            elif kind[0] in "LM" or kind == "Nd":
                visible, letters, apostrophe = visible + 1, letters + (kind != "Nd"), False
                if kind in ("Lu", "Lt"):
                    capitals += 1
                    c = c.lower()[0]
                word += c
            elif c in "'\u2019" and word and not apostrophe:
                apostrophe = True
            else:
                self.word(word)
                word = ""
                for s in ("'" if apostrophe else "") + ("" if c in SPACES else c):
                    visible, symbols = visible + 1, symbols + 1
                    self.emit("s", s)
                apostrophe = False
        self.singles()
        if self.words:
            self.emit("x", "words%d" % self.words.bit_length())
        if letters >= 8 and 3 * capitals >= letters:
            self.emit("x", "caps")
        if visible >= 8 and 3 * symbols >= visible:
            self.emit("x", "symbols")

    def word(self, word):
        if not word:
            return
        if len(word) == 1 and unicodedata.category(word) not in ("Lu", "Lt", "Nd"):
            self.single += word
        else:
            self.singles()
        self.words += 1
        self.grams(word)
        if self.before is not None:
            self.emit("b", self.before + " " + word)
        self.before = word
        if len(word) > 32:
            self.emit("x", "long")
        self.fold(word)

    def singles(self):
        if len(self.single) >= 3:
            self.emit("x", "spaced")
            self.grams(self.single)
        self.single = ""

    def grams(self, word):
        self.emit("w", word)
        g = "<" + word + ">"
        for i in range(min(len(g) - 2, 32)):
            for n in range(3, min(6, len(g) - i + 1)):
                self.emit("c", g[i:i + n])
            if g[i] >= "\u2e80" and g[i + 1] >= "\u2e80":
                self.emit("c", g[i:i + 2])

    def fold(self, word):
        folded = "".join(LEET.get(c) or ALIKE.get(c, c) for c in word)
        latin, foreign = re.search("[a-z]", word), re.search("[\u0370-\u052f]", word)
        if latin and foreign:
            self.emit("x", "mixed")
        if folded == word or not latin and not (foreign and folded.isascii()):
            return
        if latin:
            self.emit("x", "lookalike")
        self.grams(folded)
