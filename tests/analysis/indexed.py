# SPDX-License-Identifier: MIT
"""Readers of tabix indices and of bigWig files, written from their specifications, for tests of export."""
import gzip
import struct
import zlib


def bgzf_from(path, offset):
    """Text from a virtual offset (block << 16 | place in the block) to the end of the file."""
    with open(path, "rb") as file:
        file.seek(offset >> 16)
        return gzip.decompress(file.read())[offset & 0xFFFF:].decode()


class Tabix:
    def __init__(self, path):
        self.path = path
        raw = gzip.open(path + ".tbi").read()
        magic, n, self.form, self.seq, self.beg, self.end, self.meta, self.skip, names = struct.unpack_from("<4s8i", raw)
        assert magic == b"TBI\1"
        at, self.refs = 36 + names, []
        self.names = raw[36:at].decode().split("\0")[:-1]
        assert len(self.names) == n
        for _ in range(n):
            bins, (nb,) = {}, struct.unpack_from("<i", raw, at)
            at += 4
            for _ in range(nb):
                number, chunks = struct.unpack_from("<Ii", raw, at)
                bins[number] = [struct.unpack_from("<2Q", raw, at + 8 + 16 * i) for i in range(chunks)]
                at += 8 + 16 * chunks
            (nb,) = struct.unpack_from("<i", raw, at)
            self.refs.append((bins, struct.unpack_from(f"<{nb}Q", raw, at + 4)))
            at += 4 + 8 * nb

    def query(self, name, start, end):
        """Lines that overlap bases [start, end), from 0, of a chromosome: of those from the first chunk that the index names."""
        bins, linear = self.refs[self.names.index(name)]
        wanted = [0] + [first + place for shift, first in ((26, 1), (23, 9), (20, 73), (17, 585), (14, 4681)) for place in range(start >> shift, (end - 1 >> shift) + 1)]
        chunks = sorted(chunk for number in wanted for chunk in bins.get(number, ()))
        least = linear[min(start >> 14, len(linear) - 1)]
        offset = min((first for first, last in chunks if last > least), default=None)
        lines = bgzf_from(self.path, max(offset, least)).splitlines() if offset is not None else []
        base = 0 if self.form & 0x10000 else 1
        found = []
        for line in lines:
            word = line.split("\t")
            first, last = int(word[self.beg - 1]) - base, int(word[self.end - 1])
            if word[self.seq - 1] != name or first >= end:
                break
            if last > start:
                found.append(line)
        return found


def read_bigwig(path):
    """{chromosome: length} and a list of (chromosome, start, end, value), by way of the file's trees."""
    raw = open(path, "rb").read()
    magic, version, zooms, chroms, data, index, fields, _, _, summary, buffer = struct.unpack_from("<IHHQQQHHQQI", raw)
    assert magic == 0x888FFC26 and version == 4 and fields == 0 and raw[-4:] == raw[:4] and zooms <= 10 and summary
    magic, per_block, key, size, items = struct.unpack_from("<IIIIQ", raw, chroms)
    assert magic == 0x78CA8C91 and size == 8
    found = []

    def leaves(at):
        leaf, count = struct.unpack_from("<BxH", raw, at)
        for i in range(count):
            place = at + 4 + i * (key + 8)
            if leaf:
                number, length = struct.unpack_from("<II", raw, place + key)
                found.append((raw[place:place + key].rstrip(b"\0").decode(), number, length))
            else:
                leaves(struct.unpack_from("<Q", raw, place + key)[0])

    leaves(chroms + 32)
    assert len(found) == items and [name for name, _, _ in found] == sorted(name for name, _, _ in found) and [number for _, number, _ in found] == list(range(items))
    names, rows = [name for name, _, _ in found], []

    def blocks(at):
        leaf, count = struct.unpack_from("<BxH", raw, at)
        for i in range(count):
            if leaf:
                start, size = struct.unpack_from("<QQ", raw, at + 4 + 32 * i + 16)
                text = zlib.decompress(raw[start:start + size]) if buffer else raw[start:start + size]
                chromo, _, _, _, _, kind, _, n = struct.unpack_from("<IIIIIBBH", text)
                assert kind == 1
                rows.extend((names[chromo], *struct.unpack_from("<IIf", text, 24 + 12 * k)) for k in range(n))
            else:
                blocks(struct.unpack_from("<Q", raw, at + 4 + 24 * i + 16)[0])

    assert struct.unpack_from("<I", raw, index)[0] == 0x2468ACE0
    blocks(index + 48)
    return {name: length for name, _, length in found}, rows
