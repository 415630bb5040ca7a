"""How large a picture may be."""

MAX_PIXELS = 2**26  # 64 megapixels, sides rounded up to the codec's grid included
