import re
import sys
import time

import numpy as np
import pytest

import zoo.data
from zoo.data import pipeline
from zoo.data import tfds as reading
from zoo.data.tfds_prepare import prepare
from zoo.errors import UserError

tfds = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")
tfds.disable_progress_bar()

# Nobody answers at this address; the names end in .npy so that nothing is unpacked.
URL = "http://127.0.0.1:9/"


class TinyPictures(tfds.core.GeneratorBasedBuilder):
    """A set as others are: two files to download, a configuration that needs a third, pictures with labels."""

    VERSION = tfds.core.Version("1.2.3")
    BUILDER_CONFIGS = [  # noqa: RUF012
        tfds.core.BuilderConfig(name="plain", version="1.2.3"),
        tfds.core.BuilderConfig(name="pairs", version="1.2.3"),
    ]
    url_infos = {  # noqa: RUF012
        URL + name: tfds.download.checksums.UrlInfo(size=100, checksum=64 * "0", filename=name)
        for name in ("images.npy", "labels.npy", "more.npy")
    }

    def _info(self):
        if self.builder_config.name == "pairs":
            features = {"lr": tfds.features.Image(), "hr": tfds.features.Image(shape=(None, None, 3))}
        else:
            features = {
                "image": tfds.features.Image(shape=(5, 4, 3), encoding_format="png"),
                "label": tfds.features.ClassLabel(num_classes=50),
                "name": tfds.features.Text(),
            }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, manager):
        names = ["images.npy", "labels.npy"] + ["more.npy"] * (self.builder_config.name == "pairs")
        paths = manager.download({name: URL + name for name in names})
        images, labels = np.load(paths["images.npy"]), np.load(paths["labels.npy"])
        return {
            "train": self._generate_examples(images[:40], labels[:40]),
            "test": self._generate_examples(images[40:], labels[40:]),
        }

    def _generate_examples(self, images, labels):
        for image, label in zip(images, labels, strict=True):
            if self.builder_config.name == "pairs":
                yield int(label), {"lr": image[::2, ::2], "hr": image}
            else:
                yield int(label), {"image": image, "label": label, "name": f"number {label}"}


@pytest.fixture(scope="module")
def images():
    """[50, 5, 4, 3] uint8; the label of picture i is i."""
    return np.random.default_rng(0).integers(256, size=(50, 5, 4, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def files(images, tmp_path_factory):
    """A directory with the set's original files."""
    root = tmp_path_factory.mktemp("manual")
    np.save(root / "images.npy", images)
    np.save(root / "labels.npy", np.arange(50))
    np.save(root / "more.npy", np.arange(3))
    return str(root)


@pytest.fixture(scope="module")
def prepared(files, tmp_path_factory):
    """A data_dir with the set in array_record format, and another with it as TFRecords."""
    roots = {form: str(tmp_path_factory.mktemp(form)) for form in ("array_record", "tfrecord")}
    for form, root in roots.items():
        directory = prepare("tiny_pictures", root, files, accept_checksums=True, file_format=form)
        assert directory == f"{root}/tiny_pictures/plain/1.2.3"
    return roots


def check(source, images, labels):
    """`source` holds the pictures of these labels, in any order (a copy's order is shuffled)."""
    assert source.features == {"image": ("uint8", (5, 4, 3)), "label": ("int64", ())}
    examples = [source[i] for i in range(len(source))]
    assert sorted(int(example["label"]) for example in examples) == list(labels)
    for example in examples:
        assert example.keys() == {"image", "label"}
        assert example["label"].dtype == np.int64
        np.testing.assert_array_equal(example["image"], images[example["label"]])


@pytest.mark.parametrize("form", ["array_record", "tfrecord"])
def test_both_formats_and_splits(prepared, images, form):
    for split, labels in (("train", range(40)), ("test", range(40, 50))):
        source = zoo.data.load("tfds:tiny_pictures", split, data_dir=prepared[form])
        assert source.name == "tfds:tiny_pictures"
        check(source, images, labels)


@pytest.mark.parametrize("form", ["array_record", "tfrecord"])
def test_slices(prepared, form):
    whole = zoo.data.load("tfds:tiny_pictures", "train", data_dir=prepared[form])
    part = zoo.data.load("tfds:tiny_pictures", "train[25%:50%]", data_dir=prepared[form])
    assert [part[i]["label"] for i in range(len(part))] == [whole[i]["label"] for i in range(10, 20)]


def test_names(prepared, images, monkeypatch, tmp_path):
    root = prepared["array_record"]
    for name in ("tiny_pictures/plain", "tiny_pictures/plain:1.2.3", f"{root}/tiny_pictures/plain/1.2.3"):
        check(zoo.data.load(f"tfds:{name}", "test", data_dir=root), images, range(40, 50))
    monkeypatch.setenv("TFDS_DATA_DIR", root)
    check(zoo.data.load("tfds:tiny_pictures", "test"), images, range(40, 50))
    # A directory that happens to have the set's name is not in the way.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny_pictures").mkdir()
    check(zoo.data.load("tfds:tiny_pictures", "test"), images, range(40, 50))


def test_a_copy_opens_where_the_set_is_unknown(prepared, run_python):
    # In a fresh process nobody has defined TinyPictures.
    program = (
        "import sys, zoo.data; print(len(zoo.data.load('tfds:' + sys.argv[1], 'train', **eval(sys.argv[2]))))"
    )
    root = prepared["array_record"]
    for name, options in ((f"{root}/tiny_pictures/plain/1.2.3", {}), ("tiny_pictures", {"data_dir": root})):
        result = run_python("-c", program, name, options)
        assert result.stdout == "40\n", result.stderr


def test_batches(prepared, images):
    source = zoo.data.load("tfds:tiny_pictures", "train", data_dir=prepared["array_record"])
    labels = []
    for batch in pipeline.batches(source, 8, seed=0).take(5).as_numpy_iterator():
        np.testing.assert_array_equal(batch["image"], images[batch["label"]])
        labels += list(batch["label"])
    assert sorted(labels) == list(range(40))


def test_load_prepares_when_given_the_files(tmp_path, files, images):
    # The registered checksums are not those of these files, and nobody said that this is meant.
    with pytest.raises(
        UserError, match=r"not the registered one.*--accept_checksums.*has wrong checksum"
    ) as error:
        zoo.data.load("tfds:tiny_pictures", "train", data_dir=str(tmp_path), manual_dir=files)
    assert "\n" not in str(error.value)
    registered = TinyPictures.url_infos
    TinyPictures.url_infos = {
        url: tfds.download.checksums.compute_url_info(f"{files}/{info.filename}")
        for url, info in registered.items()
    }
    try:
        source = zoo.data.load("tfds:tiny_pictures", "test", data_dir=str(tmp_path), manual_dir=files)
    finally:
        TinyPictures.url_infos = registered
    check(source, images, range(40, 50))


def test_accepting_checksums_changes_nothing_else(prepared):
    assert {info.checksum for info in TinyPictures.url_infos.values()} == {64 * "0"}


def test_prepare_is_done_once(prepared):
    before = time.perf_counter()
    directory = prepare("tfds:tiny_pictures", prepared["array_record"])
    assert directory == f"{prepared['array_record']}/tiny_pictures/plain/1.2.3"
    assert time.perf_counter() - before < 2


def test_pairs_of_pictures(tmp_path, files, images):
    root = str(tmp_path)
    prepare("tiny_pictures/pairs", root, files, accept_checksums=True)
    with pytest.raises(UserError, match="no picture 'image'; choose image_feature among hr, lr"):
        zoo.data.load("tfds:tiny_pictures/pairs", "train", data_dir=root)
    source = zoo.data.load("tfds:tiny_pictures/pairs", "test", data_dir=root, image_feature="hr")
    assert source.features == {"image": ("uint8", (None, None, 3))}
    found = {source[i]["image"].tobytes() for i in range(10)}
    assert found == {image.tobytes() for image in images[40:]}


# What must answer at once: TensorFlow Datasets itself retries for minutes.
UNPREPARED = {
    "nothing given": (
        {},
        r"is not prepared in .*--download`, or, .*images\.npy, labels\.npy into .*--manual_dir=DIR",
    ),
    "empty manual_dir": (
        {"manual_dir": "."},
        r"needs images\.npy, labels\.npy, not in --manual_dir=.*--download",
    ),
    "no manual_dir": ({"manual_dir": "none"}, r"--manual_dir=.*none is no directory"),
    "no network": ({"download": True}, re.escape(URL) + r".*cannot be reached"),
}


@pytest.mark.parametrize("case", UNPREPARED)
def test_not_prepared(tmp_path, case, capsys):
    options, message = UNPREPARED[case]
    if "manual_dir" in options:
        options = {"manual_dir": str(tmp_path / options["manual_dir"])}
    before = time.perf_counter()
    with pytest.raises(UserError, match=message) as error:
        zoo.data.load("tfds:tiny_pictures", "train", data_dir=str(tmp_path / "data"), **options)
    assert time.perf_counter() - before < 3
    assert "\n" not in str(error.value)
    assert "`tfds" not in str(error.value)  # that command does not start without Apache Beam


def test_only_missing_files_are_named(tmp_path, files):
    np.save(tmp_path / "images.npy", np.zeros(3))
    with pytest.raises(UserError, match=r"needs labels\.npy, more\.npy, not in"):
        prepare("tiny_pictures/pairs", str(tmp_path / "data"), str(tmp_path), accept_checksums=True)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("cifar10", "cifar-10-binary.tar.gz"),
        ("mnist", "t10k-images-idx3-ubyte.gz, .*train-labels-idx1-ubyte.gz"),
        ("clic", "CLIC2020Mobile_test.zip, .*professional_valid_2020.zip"),
        ("div2k/bicubic_x4", "DIV2K_train_HR.zip, DIV2K_train_LR_bicubic_X4.zip, DIV2K_valid_HR.zip, [^,]*_X4.zip into"),
        ("imagenet2012", "ILSVRC2012_img_train.tar"),
    ],
)  # fmt: skip
def test_real_sets_name_their_files(tmp_path, name, files):
    with pytest.raises(UserError, match=files):
        zoo.data.load(f"tfds:{name}", data_dir=str(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "split", "message"),
    [
        ("no_such_set", "train", "tfds:no_such_set is neither a set of TensorFlow Datasets nor a prepared copy"),
        ("kaggle:x", "train", "tfds:kaggle:x is neither a set"),
        ("mnist/none", "train", "none not found"),
        ("mnist:9.9.9", "train", "9.9.9"),
        ("Bad Name/", "train", "tfds:Bad Name/: Parsing"),
        ("/", "train", "tfds:/ is no prepared copy, it holds no dataset_info.json"),
        ("tiny_pictures", "validation", "no split 'validation'; expected one of train, test"),
        ("tiny_pictures", "train[:x]", r"'train\[:x\]' is no slice"),
    ],
)  # fmt: skip
def test_mistakes(prepared, name, split, message):
    with pytest.raises(UserError, match=message) as error:
        zoo.data.load(f"tfds:{name}", split, data_dir=prepared["array_record"])
    assert "\n" not in str(error.value)


def test_too_large_for_memory(prepared, monkeypatch):
    monkeypatch.setattr(reading, "MEMORY_BYTES", 1000)
    with pytest.raises(UserError, match=r"GiB of TFRecord files, .* prepare it as array_record"):
        zoo.data.load("tfds:tiny_pictures", "train", data_dir=prepared["tfrecord"])
    zoo.data.load("tfds:tiny_pictures", "train", data_dir=prepared["array_record"])  # is read from disk


def test_without_tensorflow_datasets(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(UserError, match=r"needs tensorflow-datasets, which cannot be imported.*BUILD\.md"):
        zoo.data.load("tfds:mnist")
