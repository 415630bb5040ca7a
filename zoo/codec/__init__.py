"""End-to-end optimized image compression (Ballé, Laparra, Simoncelli 2017)."""
