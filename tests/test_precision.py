from zoo import precision


def test_cpu_flags_of_both_families(tmp_path):
    text = "processor\t: 0\nflags\t\t: fpu avx2 avx512_bf16\n\nprocessor\t: 1\nflags\t\t: fpu avx2\n"
    (tmp_path / "x86").write_text(text)
    assert precision.cpu_flags(tmp_path / "x86") == {"fpu", "avx2", "avx512_bf16"}
    (tmp_path / "arm").write_text("BogoMIPS\t: 50.00\nFeatures\t: fp asimd bf16\n")
    assert precision.cpu_flags(tmp_path / "arm") == {"fp", "asimd", "bf16"}
    assert precision.cpu_flags(tmp_path / "missing") == set()


def test_bfloat16_only_where_it_is_fast(monkeypatch):
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda kind: [])
    monkeypatch.setattr(precision, "cpu_flags", lambda: {"avx2", "bf16"})
    assert precision.fastest_precision() == "mixed_bfloat16"
    monkeypatch.setattr(precision, "cpu_flags", lambda: {"avx2"})
    assert precision.fastest_precision() == "float32"
