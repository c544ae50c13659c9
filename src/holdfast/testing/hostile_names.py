"""Names, depths and widths that break programs which believe in text and in PATH_MAX."""

import os

from holdfast.testing.plot import Plot

HOSTILE_NAMES: tuple[bytes, ...] = (
    b"latin-1 \xe9\xff",
    b"\x80\x81\xfe",
    b"cut utf-8 \xe2\x82",
    b"surrogate \xed\xa0\x80",
    b"new\nline",
    b"carriage\rreturn",
    b'double"quote',
    b"single'quote",
    b"back\\slash",
    b"\\x41 looks escaped",
    b"tab\there",
    b"control \x01\x02\x1b[31m\x7f",
    b"<b>&amp;<br>",
    "line\u2028separator\u2029".encode(),
    "emoji \U0001f9ef\U0001f468\u200d\U0001f469\u200d\U0001f467".encode(),
    "unprintable \u200b\u202e\ufeff\U000e0041".encode(),
    "combining e\u0301 not \u00e9".encode(),
    "\u00e9 composed".encode(),
    "\ud55c\uae00".encode(),
    "\u1112\u1161\u11ab jamo".encode(),
    b" leading and trailing ",
    b"...",
    b".hidden",
    b"-rf",
    b"~",
    b"$(touch x)`id`",
    b"*?[a-z]{b}!",
    b"%s %00 {name}",
    b"CON.txt",
    b"end.",
    b"colon:semi;comma,",
    b"n" * 255,
    "\u00e9".encode() * 127,
    b"\xff" * 255,
)
DEEP = 200
WIDE = 2000
LONG_STEP = b"long-" + b"p" * 245
LONG_STEPS = 17  # 17 steps of 250 bytes and their slashes pass PATH_MAX (4096)


def build_names(plot: Plot) -> None:
    """Give a file, a directory and a symlink target each of the hostile names."""
    plot.folder("as-folder")
    plot.folder("as-link")
    for number, name in enumerate(HOSTILE_NAMES):
        plot.file(name, b"%d\n" % number)
        inside = plot.folder(os.path.join(b"as-folder", name))
        with open(os.path.join(inside, b"inside"), "wb") as out:
            out.write(b"inside %d\n" % number)
        os.symlink(os.path.join(b"..", name), plot.at(os.path.join(b"as-link", name)))


def build_long_path(plot: Plot) -> None:
    """Descend step by step, because no system call takes the whole path at once."""
    folder = os.open(plot.path, os.O_RDONLY | os.O_DIRECTORY)
    for step in range(LONG_STEPS):
        os.mkdir(LONG_STEP, dir_fd=folder)
        deeper = os.open(LONG_STEP, os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
        os.close(folder)
        folder = deeper
        _write_at(folder, b"file", b"step %d\n" % step)
    os.symlink(b"../file", b"link", dir_fd=folder)
    os.close(folder)


def _write_at(folder: int, name: bytes, content: bytes) -> None:
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=folder)
    os.write(file, content)
    os.close(file)


def build_deep(plot: Plot) -> None:
    plot.folder(b"/".join([b"d"] * DEEP))
    plot.file(b"/".join([b"d"] * DEEP) + b"/bottom")


def build_wide(plot: Plot) -> None:
    for number in range(WIDE):
        plot.file(b"entry-%04d" % number, b"%d" % (number // 2))
