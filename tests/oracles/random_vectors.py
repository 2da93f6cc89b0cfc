"""Prints the test vectors of src/random.rs from an implementation of its own (needs `xxhash`)."""

import math
import struct

import xxhash

MASK = 0xFFFFFFFF


def quarter(x, a, b, c, d):
    for p, q, r, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[p] = (x[p] + x[q]) & MASK
        x[r] ^= x[p]
        x[r] = ((x[r] << turn) | (x[r] >> (32 - turn))) & MASK


def block(key, nonce, counter):
    start = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
    start += [counter & MASK, counter >> 32, nonce & MASK, nonce >> 32]
    x = list(start)
    for _ in range(4):
        for column in range(4):
            quarter(x, column, column + 4, column + 8, column + 12)
        for diagonal in range(4):
            quarter(x, diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4, 12 + (diagonal + 3) % 4)
    return struct.pack("<16I", *((a + b) & MASK for a, b in zip(x, start)))


def key_of(seed, purpose, path):
    text = struct.pack("<Q", seed)
    for part in (purpose.encode(), path.encode()):
        text += struct.pack("<Q", len(part)) + part
    return b"".join(xxhash.xxh3_128_intdigest(text, half).to_bytes(16, "little") for half in (0, 1))


def bits(key, step, element):
    return struct.unpack_from("<Q", block(key, step, element // 8), element % 8 * 8)[0]


def uniform(key, step, element):
    return (bits(key, step, element) >> 11) * 2.0**-53


def normal(key, step, element):
    even = element & ~1
    radius = math.sqrt(-2 * math.log(1 - uniform(key, step, even)))
    angle = math.tau * uniform(key, step, even + 1)
    return radius * (math.sin(angle) if element & 1 else math.cos(angle))


class Draws:
    def __init__(self, key, step):
        self.key, self.step, self.element = key, step, 0

    def below(self, limit):
        while True:
            product = bits(self.key, self.step, self.element) * limit
            self.element += 1
            if product % 2**64 >= 2**64 % limit:
                return product >> 64


def shuffle(key, step, items):
    draws = Draws(key, step)
    for place in range(len(items) - 1, 0, -1):
        other = draws.below(place + 1)
        items[place], items[other] = items[other], items[place]
    return items


if __name__ == "__main__":
    for first in (0, 1):
        print("key stream", block(bytes([first]) + bytes(31), 0, 0).hex())
    key = key_of(42, "init", "hidden_linear.weight")
    print("key", key.hex())
    print("bits", [bits(key, 0, element) for element in range(4)], bits(key, 7, 1_000_000_007))
    print("uniform", uniform(key, 0, 0), uniform(key, 3, 12))
    print("normal", [normal(key, 0, element) for element in range(4)])
    draws = Draws(key, 0)
    print("below", [draws.below(6) for _ in range(8)])
    print("shuffle", shuffle(key, 5, list(range(12))))
    order = shuffle(key_of(42, "split", ""), 0, list(range(11)))
    print("split", sorted(order[:2]), sorted(order[2:3]))
