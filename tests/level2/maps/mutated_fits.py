"""FITS files as they come out of failing disks, transfers and hands."""

import re

from astropy.io import fits

BLOCK = 2880


def cut_off(content, random, others):
    return content[: random.integers(1, len(content))]


def cut_off_after_a_block(content, random, others):
    return content[: BLOCK * random.integers(1, len(content) // BLOCK)]


def empty(content, random, others):
    return b""


def flipped_bit(content, random, others):
    return _flip(content, random.integers(len(content)), random)


def flipped_bit_in_a_header(content, random, others):
    return _flip(content, random.integers(content.rindex(b"END" + b" " * 77)), random)


def zeroed_block(content, random, others):
    begin = random.integers(len(content))
    end = min(begin + random.integers(1, 2 * BLOCK), len(content))
    return content[:begin] + bytes(end - begin) + content[end:]


def zeroed_middle(content, random, others):
    begin, end = len(content) // 3, 2 * len(content) // 3
    return content[:begin] + bytes(end - begin) + content[end:]


def lost_piece(content, random, others):
    begin = random.integers(len(content) - 1)
    return content[:begin] + content[begin + random.integers(1, BLOCK) :]


def changed_card(content, random, others):
    """Another number in one of the cards that say how the data are stored."""
    names = rb"(?:Z?NAXIS\d?|Z?BITPIX|PCOUNT|GCOUNT|TFIELDS|ZTILE\d)"
    cards = [*re.finditer(names + rb" *= ( *-?\d+)", content)]
    card = cards[random.integers(len(cards))]
    number = str(random.choice([-32, -1, 0, 1, 3, 7, 9, 16, 10**9])).rjust(len(card[1]))
    return content[: card.start(1)] + number.encode() + content[card.end(1) :]


def another_frame(content, random, others):
    return others[random.integers(len(others))]


def junk_behind(content, random, others):
    return content + random.bytes(random.integers(1, 3 * BLOCK))


def junk(content, random, others):
    return random.bytes(len(content))


KINDS = [
    *(cut_off, cut_off_after_a_block, empty, flipped_bit, flipped_bit_in_a_header, zeroed_block),
    *(zeroed_middle, lost_piece, changed_card, another_frame, junk_behind, junk),
]


def written_anew(path, change):
    """Change data and header of a frame, and write it as a whole file with good checksums.

    `change(data, header)` gives the new data.
    """
    with fits.open(path) as hdus:
        is_compressed = len(hdus) == 2
        header = hdus[-1].header
        data = change(hdus[-1].data.copy(), header)
    if is_compressed:
        image = [fits.PrimaryHDU(), fits.CompImageHDU(data, header)]
    else:
        image = [fits.PrimaryHDU(data, header)]
    fits.HDUList(image).writeto(path, overwrite=True, checksum=True)


def without_checksums(content):
    """The content of a file whose checksums are taken away, and all else is as it was."""
    cards = [content[begin : begin + 80] for begin in range(0, len(content), 80)]
    names = (b"CHECKSUM=", b"DATASUM =", b"ZHECKSUM=", b"ZDATASUM=")
    return b"".join(b"COMMENT".ljust(80) if c.startswith(names) else c for c in cards)


def _flip(content, place, random):
    changed = bytearray(content)
    changed[place] ^= 1 << int(random.integers(8))
    return bytes(changed)
