"""`toulon bulk`: what is written, what is skipped, what is listed, and what stops a run."""

import collections
import contextlib
import errno
import importlib.util
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT
from zoo.coding.container import unpack
from zoo.images.picture import read_picture

pytest.importorskip("apache_beam")
ONE = "--direct_num_workers=1"  # in this process


@pytest.fixture
def bulk(toulon):
    """Runs `toulon bulk`: (words) -> (status, printed, complained)."""
    return lambda *words: toulon("bulk", *words)


@pytest.fixture
def codec(tiny_variable_export):
    from zoo.codec.files import load_codec

    return load_codec(str(tiny_variable_export))


@pytest.fixture
def pictures(tmp_path, photograph):
    """Pictures of all kinds, and damaged ones: (folder, names of the good, names of the damaged)."""
    folder = tmp_path / "pictures"
    (folder / "deep" / "er").mkdir(parents=True)
    crop = Image.fromarray(photograph[:37, :51])
    see_through = crop.convert("RGBA")
    see_through.putalpha(Image.linear_gradient("L").resize(crop.size))
    good = {
        "colour.png": crop,
        "photo.JPG": crop,
        "deep/grey.png": crop.convert("L"),
        "deep/palette.png": crop.convert("P"),
        "deep/er/see-through.png": see_through,
        "deep/er/wide.png": Image.fromarray(257 * photograph[:20, :30, 0].astype(np.uint16)),
        "dot.bmp": crop.crop((3, 4, 4, 5)),
        "spaced name ü.webp": crop,
    }
    for name, image in good.items():
        image.save(folder / name)
    (folder / "deep" / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "colour.png").read_bytes()[:300])
    (folder / "text.tif").write_text("no picture")
    (folder / "notes.txt").write_text("not looked at")
    return folder, list(good), ["deep/empty.png", "cut.png", "text.tif"]


def encoded(codec, source, quality=None):
    """The .tln file of a picture, from the library."""
    picture, quality = read_picture(source), codec.check_quality(quality)
    return codec.pack(picture, codec.quantize(codec.transform(picture.rgb), quality), quality)


def tree(folder):
    """The files that were made: dict of name to bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".bulk.json" and not path.name.startswith("failed-")
    }


def failures(folder):
    """The list of what failed: dict of path to reason."""
    (path,) = folder.glob("failed-*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {line["path"]: line["reason"] for line in lines}


def with_suffix(name, suffix):
    return os.path.splitext(name)[0] + suffix


def test_compresses_what_is_good_and_lists_what_is_not(bulk, codec, pictures, tmp_path):
    source, good, damaged = pictures
    out = tmp_path / "out"
    command = ("compress", "--input", source, "--output", out, "--model", codec.directory, ONE)
    status, printed, complained = bulk(*command)
    assert (status, complained) == (1, "")
    assert printed.startswith("8 done, 0 skipped, 3 failed: ")
    assert tree(out) == {with_suffix(name, ".tln"): encoded(codec, source / name) for name in good}
    listed = failures(out)
    assert set(listed) == {str(source / name) for name in damaged}
    assert "not a picture" in listed[str(source / "text.tif")]
    assert "damaged" in listed[str(source / "cut.png")]

    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.tln")}
    Image.open(source / "photo.JPG").save(source / "text.tif")
    status, printed, _ = bulk(*command)
    assert status == 1
    assert printed.startswith("1 done, 8 skipped, 2 failed: ")
    assert all(path.stat().st_mtime_ns == when for path, when in times.items())
    assert set(failures(out)) == {str(source / name) for name in damaged[:2]}


def test_counts(bulk, codec, pictures, tmp_path):
    source, _, _ = pictures
    command = (
        "compress",
        "--input",
        source / "dot.bmp",
        source / "deep" / "grey.png",
        "--output",
        tmp_path / "out",
    )
    status, printed, _ = bulk(*command, "--model", codec.directory, "--quality", 3, ONE)
    sizes = [(source / name).stat().st_size for name in ("dot.bmp", "deep/grey.png")]
    made = tree(tmp_path / "out")
    assert made["grey.tln"] == encoded(codec, source / "deep" / "grey.png", 3)
    assert status == 0
    assert not list((tmp_path / "out").glob("failed*"))
    assert printed.startswith(
        f"2 done, 0 skipped, 0 failed: 0.00 megapixels, {sum(sizes)} bytes in, "
        f"{sum(map(len, made.values()))} bytes out, "
    )


def test_lists_and_wildcards(bulk, codec, pictures, tmp_path):
    source, _, _ = pictures
    names = tmp_path / "list.txt"
    names.write_text(f"{source}/deep/grey.png\n\n{source}/deep/er\n{source}/missing.png\n")
    model = ("--model", codec.directory, ONE)
    status, _, _ = bulk("compress", "--input", f"@{names}", "--output", tmp_path / "listed", *model)
    assert status == 1
    assert set(tree(tmp_path / "listed")) == {"deep/grey.tln", "deep/er/see-through.tln", "deep/er/wide.tln"}
    assert failures(tmp_path / "listed") == {f"{source}/missing.png": f"{source}/missing.png does not exist."}
    status, _, _ = bulk("compress", "--input", f"{source}/**r*.png", "--output", tmp_path / "found", *model)
    assert set(tree(tmp_path / "found")) == {"colour.tln", "deep/grey.tln", "deep/er/see-through.tln"}


def test_brackets_in_a_folder_are_no_wildcard(bulk, codec, pictures, tmp_path):
    source, _, _ = pictures
    folder = source.rename(tmp_path / "summer [2016]") / "deep" / "er"
    status, _, _ = bulk(
        "compress", "--input", folder, folder.parent / "grey.png", "--output", tmp_path / "out [1]",
        "--model", codec.directory, ONE,
    )  # fmt: skip
    assert status == 0
    assert set(tree(tmp_path / "out [1]")) == {"grey.tln", "see-through.tln", "wide.tln"}


def test_two_pictures_of_one_name(bulk, codec, pictures, tmp_path):
    source, _, _ = pictures
    for extension in ("png", "jpg"):
        Image.open(source / "colour.png").save(source / "deep" / f"grey.{extension}")
    status, printed, _ = bulk(
        "compress", "--input", source / "deep", "--output", tmp_path / "out", "--model", codec.directory, ONE
    )
    assert status == 1
    assert "4 done, 0 skipped, 2 failed" in printed
    reason = failures(tmp_path / "out")[f"{source}/deep/grey.png"]
    assert reason == f"it would become grey.tln as {source}/deep/grey.jpg does; rename one."


def write_records(path, examples):
    """Writes a TFRecord file of examples: list of (name, bytes), either None."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path), "GZIP" if str(path).endswith(".gz") else "") as writer:
        for name, data in examples:
            features = {"image/filename": name and name.encode(), "image/encoded": data}
            writer.write(
                tf.train.Example(
                    features=tf.train.Features(
                        feature={
                            key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                            for key, value in features.items()
                            if value is not None
                        }
                    )
                ).SerializeToString()
            )


def test_records(bulk, codec, pictures, tmp_path):
    source, _, _ = pictures
    data = {name: (source / name).read_bytes() for name in ("colour.png", "deep/grey.png", "photo.JPG")}
    records = tmp_path / "records"
    records.mkdir()
    write_records(records / "a.tfrecord-00000-of-00002", [*data.items(), ("../out.png", data["colour.png"])])
    write_records(
        records / "b.tfrecord.gz", [("b.png", data["colour.png"]), (None, b""), ("bad.png", b"bad")]
    )
    write_records(records / "c.tfrecord", [("c.png", data["colour.png"]), ("d.png", data["colour.png"])])
    whole = (records / "c.tfrecord").read_bytes()
    (records / "c.tfrecord").write_bytes(whole[: len(whole) - 50])
    command = ("compress", "--input", records, "--output", tmp_path / "out", "--model", codec.directory, ONE)
    status, printed, _ = bulk(*command)
    assert status == 1
    assert "5 done, 0 skipped, 4 failed" in printed
    expected = {with_suffix(name, ".tln"): encoded(codec, source / name) for name in data}
    expected |= dict.fromkeys(("b.tln", "c.tln"), expected["colour.tln"])
    assert tree(tmp_path / "out") == expected
    assert not (tmp_path / "out.tln").exists()
    listed = {os.path.basename(path): reason for path, reason in failures(tmp_path / "out").items()}
    assert "below the output folder" in listed["a.tfrecord-00000-of-00002:3"]
    assert "--name_key" in listed["b.tfrecord.gz:1"]
    assert "not a picture" in listed["b.tfrecord.gz:2"]
    assert "damaged" in listed["c.tfrecord:0"]
    assert "0 done, 5 skipped, 4 failed" in bulk(*command)[1]


def test_decompresses(bulk, codec, pictures, tmp_path):
    source, good, _ = pictures
    small, back = tmp_path / "small", tmp_path / "back"
    model = ("--model", codec.directory, ONE)
    bulk("compress", "--input", source, "--output", small, *model)
    (small / "deep" / "cut.tln").write_bytes((small / "colour.tln").read_bytes()[:-3])
    (small / "empty.tln").write_bytes(b"")
    status, _, _ = bulk("decompress", "--input", small, "--output", back, *model)
    assert status == 1
    restored = tree(back)
    assert set(restored) == {with_suffix(name, ".png") for name in good}
    for name, data in restored.items():
        expected = codec.unpack(unpack((small / with_suffix(name, ".tln")).read_bytes())).to_pillow()
        image = Image.open(io.BytesIO(data))
        assert image.mode == expected.mode
        np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))
    assert {os.path.basename(path) for path in failures(back)} == {"cut.tln", "empty.tln"}
    status, _, _ = bulk("decompress", "--input", small / "colour.tln", "--output", tmp_path / "x", ONE)
    assert status == 1  # its model is not in exported/
    assert "which is not in" in failures(tmp_path / "x")[str(small / "colour.tln")]


def test_evaluates(bulk, codec, photograph, tmp_path):
    from skimage.metrics import peak_signal_noise_ratio

    source, out = tmp_path / "in", tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    large = np.tile(photograph, [2, 1, 1])[:200, :180]
    images = {"small.png": photograph[:40, :50], "deep/large.png": large}
    for name, image in images.items():
        Image.fromarray(image).save(source / name)
    command = (
        "evaluate",
        "--input",
        source,
        "--output",
        out,
        "--model",
        codec.directory,
        "--quality",
        2,
        ONE,
    )
    status, printed, _ = bulk(*command)
    assert status == 0
    rows = [json.loads(line) for line in (out / "evaluation.jsonl").read_text().splitlines()]
    assert [row["name"] for row in rows] == ["deep/large.png", "small.png"]
    for row in rows:
        image = images[row["name"]]
        data = encoded(codec, source / row["name"], 2)
        assert (row["height"], row["width"], row["bytes"]) == (*image.shape[:2], len(data))
        assert row["bits_per_pixel"] == pytest.approx(8 * len(data) / image[..., 0].size)
        assert row["psnr"] == pytest.approx(peak_signal_noise_ratio(image, codec.decode(data)))
    assert 0 < rows[0]["ms_ssim"] < 1
    assert rows[1]["ms_ssim"] is None
    averages = json.loads((out / "averages.json").read_text())
    assert averages["pictures"] == 2
    assert averages["psnr"] == pytest.approx(np.mean([row["psnr"] for row in rows]))
    assert averages["ms_ssim"] == rows[0]["ms_ssim"]
    assert f"psnr {averages['psnr']}" in printed

    Image.fromarray(photograph[:30, :30]).save(source / "third.png")
    assert "1 done, 2 skipped, 0 failed" in bulk(*command, "--format", "csv")[1]
    lines = (out / "evaluation.csv").read_text().splitlines()
    assert lines[0] == "name,width,height,bytes,bits_per_pixel,psnr,ms_ssim"
    assert [line.partition(",")[0] for line in lines[1:]] == ["deep/large.png", "small.png", "third.png"]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--qualty=3"], "--qualty=3: did you mean --quality?"),
        (["--direct_num_worker=3"], "--direct_num_worker=3: did you mean --direct_num_workers?"),
        (["--zzzz"], "--zzzz: it is neither one of ours nor of Apache Beam."),
        (["--direct_num_workers=many"], "argument --direct_num_workers: invalid int value: 'many'"),
        (["--quality=999"], "the quality is 999; expected 1 to 100."),
        (["--model=nosuch"], "nosuch is neither an export nor the name of one"),
        (["--output=setup.py/x"], "setup.py/x/.bulk.json cannot be written: Not a directory."),
        (["--input=nowhere"], "nowhere does not exist."),
        (["--input=zoo/serving"], "zoo/serving has no .png, .jpg"),
        (["--input=@nowhere"], "the list nowhere cannot be read: No such file or directory."),
    ],
)
def test_mistakes(bulk, codec, pictures, tmp_path, words, answer):
    source, _, _ = pictures
    command = ("compress", "--input", source, "--output", tmp_path / "out", "--model", codec.directory, ONE)
    status, printed, complained = bulk(*command, *words)
    assert (status, printed) == (1, "")
    assert answer in complained
    assert complained.startswith("toulon bulk: ")
    assert complained.count("\n") == 1


def test_a_folder_holds_files_of_one_kind(bulk, codec, pictures, tmp_path):
    source, _, _ = pictures
    command = ("--input", source / "dot.bmp", "--output", tmp_path / "out", "--model", codec.directory, ONE)
    assert bulk("compress", *command)[0] == 0
    status, _, complained = bulk("compress", *command, "--quality", 2)
    assert status == 1
    assert "(quality None, now 2); give another --output." in complained
    assert "(job compress, now evaluate" in bulk("evaluate", *command)[2]


def test_a_full_disk_stops_the_run(bulk, codec, pictures, tmp_path, monkeypatch):
    from apache_beam.io.localfilesystem import LocalFileSystem

    source, _, _ = pictures
    command = ("compress", "--input", source, "--output", tmp_path / "out", "--model", codec.directory, ONE)
    assert bulk(*command, "--input", source / "dot.bmp")[0] == 0

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "rename", full)
        status, printed, complained = bulk(*command)
    assert (status, printed) == (1, "")
    assert complained.endswith(".tln cannot be written: No space left on device.\n")
    assert complained.count("\n") == 1
    assert set(tree(tmp_path / "out")) == {"dot.tln"}
    assert bulk(*command)[1].startswith("7 done, 1 skipped, 3 failed: ")


def test_whatever_a_decoder_raises_is_listed(bulk, codec, pictures, tmp_path, monkeypatch):
    from zoo.images import picture

    def broken(_):
        raise IndexError("out of range")

    monkeypatch.setattr(picture, "open_image", broken)
    source, _, _ = pictures
    command = ("--input", source / "dot.bmp", "--output", tmp_path / "out", "--model", codec.directory, ONE)
    assert bulk("compress", *command)[0] == 1
    (reason,) = failures(tmp_path / "out").values()
    assert reason == "the file cannot be read, it may be damaged: IndexError('out of range')"


def test_without_beam(bulk, codec, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    status, _, complained = bulk(
        "compress", "--input", tmp_path, "--output", tmp_path / "out", "--model", codec.directory
    )
    assert status == 1
    assert complained == "toulon bulk: Apache Beam is not installed; pip install 'toulon[beam]'.\n"


@pytest.mark.parametrize("words", ["'--help'", "'compress', '--help'", "'evaluate', '--help'"])
def test_help_imports_neither_beam_nor_tensorflow(run_python, words):
    code = f"""
import sys
from zoo.cli import main
from zoo.coding.container import unpack
try:
    main(["bulk", {words}])
except SystemExit:
    pass
print(sorted({{"apache_beam", "tensorflow"}} & set(sys.modules)))
"""
    done = run_python("-c", code)
    assert "usage: toulon bulk" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_options_of_beam():
    from apache_beam.options.pipeline_options import DirectOptions, GoogleCloudOptions, StandardOptions

    from zoo.serving.bulk.options import cores, make_runner, read_options, threads_of

    options = read_options([], [])
    direct = options.view_as(DirectOptions)
    assert options.view_as(StandardOptions).runner == "FnApiRunner"
    assert direct.direct_num_workers == cores()
    assert direct.direct_running_mode == ("multi_processing" if cores() > 1 else "in_memory")
    direct = read_options(["--direct_running_mode=in_memory"], []).view_as(DirectOptions)
    assert direct.direct_num_workers == 1
    options = read_options(["--direct_running_mode=multi_processing", "--direct_num_workers", "999"], [])
    assert threads_of(options) == 1
    assert type(make_runner(options)).__name__ == "FnApiRunner"
    options = read_options(["--runner=DataflowRunner", "--project=mine", "--temp_location=gs://mine/x"], [])
    assert make_runner(options) == "DataflowRunner"
    assert threads_of(options) is None
    assert options.view_as(GoogleCloudOptions).project == "mine"


def test_options_that_only_a_remote_runner_knows(capsys):
    from zoo.serving.bulk.options import read_options

    options = read_options(["--runner=FlinkRunner", "--some_flink_option=3"], [])
    assert options.get_all_options(retain_unknown_options=True)["some_flink_option"] == "3"
    assert "left to FlinkRunner: --some_flink_option=3" in capsys.readouterr().err


def many(folder, photograph, number):
    """Writes a picture under many names."""
    folder.mkdir()
    Image.fromarray(photograph).save(folder / "0000.png")
    data = (folder / "0000.png").read_bytes()
    for index in range(number):
        (folder / f"{index:04d}.png").write_bytes(data)


def workers(process):
    """Folders in /proc of the worker processes of a run; they go with them."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == process.pid:
                found.append(stat.parent)
    return found


def command_line(source, out, model):
    """A run of two worker processes, as a person starts it."""
    return [
        sys.executable, "-m", "zoo.cli", "bulk", "compress", "--input", str(source), "--output", str(out),
        "--model", str(model), "--direct_running_mode=multi_processing", "--direct_num_workers=2",
    ]  # fmt: skip


@pytest.mark.slow
def test_killed_and_started_again(codec, photograph, tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    many(source, photograph, 600)
    command = command_line(source, out, codec.directory)
    process = subprocess.Popen(command, cwd=ROOT)
    deadline = time.monotonic() + 300
    while len(list(out.glob("*.tln"))) < 50 and time.monotonic() < deadline:
        time.sleep(0.01)
    there = workers(process)
    assert len(there) == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    while any(worker.exists() for worker in there) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(worker.exists() for worker in there)
    first = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in out.glob("*.tln")}
    assert 50 <= len(first) < 600
    expected = encoded(codec, source / "0000.png")
    assert {path.read_bytes() for path in first} == {expected}  # none is half

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith(f"{600 - len(first)} done, {len(first)} skipped, 0 failed: ")
    assert set(tree(out).values()) == {expected}
    assert len(tree(out)) == 600
    assert all((path.stat().st_ino, path.stat().st_mtime_ns) == when for path, when in first.items())


@pytest.mark.slow
def test_workers_share_the_work_and_tell_what_stops_it(codec, pictures, tmp_path):
    source, good, damaged = pictures
    command = command_line(source, tmp_path / "out", codec.directory)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("8 done, 0 skipped, 3 failed: ")
    assert tree(tmp_path / "out") == {
        with_suffix(name, ".tln"): encoded(codec, source / name) for name in good
    }
    assert set(failures(tmp_path / "out")) == {str(source / name) for name in damaged}
    command = command_line(source, tmp_path / "other", codec.directory)
    done = subprocess.run([*command, "--quality=999"], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "toulon bulk: the quality is 999; expected 1 to 100.\n"


@pytest.mark.slow
def test_a_worker_that_is_killed_stops_the_run(codec, photograph, tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    many(source, photograph, 600)
    process = subprocess.Popen(
        command_line(source, out, codec.directory), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 300
    while len(list(out.glob("*.tln"))) < 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(int(workers(process)[0].name), signal.SIGKILL)
    _, complained = process.communicate(timeout=300)
    assert process.returncode == 1
    assert complained.startswith("toulon bulk: a worker process was killed, perhaps for want of memory")
    assert complained.count("\n") == 1


def test_tally_and_letters(tmp_path):
    from zoo.serving.bulk.counts import Counts, read_tally

    path = tmp_path / "tally"
    count = Counts(str(path))
    for event in ("found", "found", "done", "skipped", "failed", "done"):
        count(event)
    assert read_tally(path) == collections.Counter(found=2, done=2, skipped=1, failed=1)
