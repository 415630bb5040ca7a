"""From a source to batches, each of them a function of (seed, step) and of nothing else."""

import tensorflow as tf

from zoo.random import mix


def example_indices(counter, size, seed, shuffle):
    """The example that training meets as number `counter`.

    Each pass over the data is a new permutation, computed in place (no buffer), so that any step can be
    reached at once.

    Args:
      counter: int64 tensor, scalar or [n], examples met before this one.
      size: int, examples in the set.
      seed: int.
      shuffle: bool; False gives the set's own order, again and again.

    Returns:
      int64 tensor of the shape of `counter`, in [0, size).
    """
    position = counter % size
    if not shuffle:
        return position
    epoch = counter // size
    # Not tf.random.experimental.index_shuffle: it has 256 orders for small seeds and epochs, its 4 rounds hardly
    # mix large sets, and in TensorFlow 2.14 it does not take vectors.
    base = mix(tf.constant(seed, tf.int64))
    key = tf.stack([mix(base + 3 * epoch + word) for word in range(3)], axis=-1)
    return tf.raw_ops.RandomIndexShuffle(
        index=position, seed=key, max_index=tf.constant(size - 1, tf.int64), rounds=16
    )


def fetch(source, index):
    """Example `index` (scalar int64 tensor) of `source` inside a graph: a dict of tensors."""
    if source.arrays is not None:
        # Made outside the graph that is being traced, which would else hold copies of the whole set.
        with tf.init_scope(), tf.device("CPU:0"):
            arrays = {name: tf.constant(array) for name, array in source.arrays.items()}
        return {name: tf.gather(array, index) for name, array in arrays.items()}
    names = list(source.features)
    dtypes = [tf.as_dtype(source.features[name][0]) for name in names]

    def get(i):
        example = source[i]
        return [example[name] for name in names]

    values = tf.numpy_function(get, [index], dtypes, stateful=False)
    for name, value in zip(names, values, strict=True):
        value.set_shape(source.features[name][1])
    return dict(zip(names, values, strict=True))


def batches(
    source, batch_size, *, seed, start_step=0, stop_step=None, transform=None, shuffle=True, context=None
):
    """Training batches; batch k is a function of (seed, k).

    Give `stop_step` where the last batch is known. TensorFlow ends the threads of a pipeline that is dropped
    before its end while it holds Python's lock, and hangs for ever if one of them is just reading in Python.

    Args:
      source: a `Source`.
      batch_size: int, examples of a global batch.
      seed: int, for order, augmentation and whatever the model draws.
      start_step: int, the step of the first batch.
      stop_step: int, the step after that of the last batch; None for batches without end.
      transform: function (example, seed [2] int64) -> example of equal shapes, in-graph, or None. Its random
        numbers must come from stateless ops with that seed.
      shuffle: bool, see `example_indices`.
      context: a `tf.distribute.InputContext`, or None for the whole batch. Replicas get consecutive parts
        of the global batch.

    Returns:
      A `tf.data.Dataset` of dicts: the source's features and "seed" [batch, 2] int64, one stateless seed
      per example, distinct for every example ever met.

    Raises:
      ValueError: the batch cannot be split evenly between the replicas.
    """
    pipelines, pipeline, replicas = 1, 0, 1
    if context is not None:
        pipelines, pipeline = context.num_input_pipelines, context.input_pipeline_id
        replicas = context.num_replicas_in_sync
    if batch_size % replicas:
        raise ValueError(
            f"batch_size is {batch_size}, which {replicas} replicas cannot share; use a multiple of {replicas}."
        )
    share = batch_size // pipelines

    def load(n):
        # n counts this pipeline's examples; counter counts everybody's.
        counter = n // share * batch_size + pipeline * share + n % share
        example = fetch(source, example_indices(counter, len(source), seed, shuffle))
        example_seed = tf.stack([tf.constant(seed, tf.int64), counter])
        if transform is not None:
            example = transform(example, example_seed)
        return example | {"seed": example_seed}

    end = tf.int64.max if stop_step is None else stop_step * share
    dataset = tf.data.Dataset.range(start_step * share, end)
    dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    dataset = dataset.batch(batch_size // replicas, drop_remainder=True)
    return dataset.prefetch(tf.data.AUTOTUNE)


def resident_batches(source, batch_size, *, seed, transform=None, shuffle=True):
    """The same batches as `batches`, drawn inside a graph from arrays that are in memory.

    For models whose step is shorter than a call from Python: a whole loop of steps can then be one call.

    Args:
      source: a `Source` of examples of one size.
      batch_size, seed, transform, shuffle: see `batches`.

    Returns:
      A function (step, replica=0, replicas=1) -> dict of tensors, to be called in a graph; `step` is a scalar
      int64 tensor.

    Raises:
      UserError: the examples differ in size.
    """
    arrays = {name: tf.constant(array) for name, array in source.stacked().items()}

    def draw(step, replica=0, replicas=1):
        share = batch_size // replicas
        first = step * batch_size + tf.cast(replica, tf.int64) * share
        counters = first + tf.range(share, dtype=tf.int64)
        indices = example_indices(counters, len(source), seed, shuffle)
        seeds = tf.stack([tf.fill([share], tf.constant(seed, tf.int64)), counters], axis=1)
        batch = {name: tf.gather(array, indices) for name, array in arrays.items()}
        if transform is not None:
            batch = tf.map_fn(
                lambda both: transform(*both),
                (batch, seeds),
                fn_output_signature=_output_spec(transform, batch),
            )
        return batch | {"seed": seeds}

    return draw


def _output_spec(transform, batch):
    """What `transform` makes of one example of `batch`, as a dict of `tf.TensorSpec`."""
    example = {name: tf.TensorSpec(value.shape[1:], value.dtype) for name, value in batch.items()}
    seed = tf.TensorSpec([2], tf.int64)
    outputs = tf.function(transform).get_concrete_function(example, seed).structured_outputs
    return {name: tf.TensorSpec(value.shape, value.dtype) for name, value in outputs.items()}


def to_float(image):
    """uint8 in [0, 255] to float32 in [0, 1]."""
    return tf.image.convert_image_dtype(image, tf.float32)


def random_patch(size, *, flip=True, transpose=False, scale_range=(1.0, 1.0)):
    """A transform to a random square patch, for photographs of any size.

    Args:
      size: int, side of the patch in pixels.
      flip: bool, mirror half of the patches left to right and half of them top to bottom.
      transpose: bool, exchange rows and columns of half of the patches: with flips, the eight symmetries of a square.
      scale_range: (low, high), the picture is seen enlarged by a factor drawn from this range (antialiased
        where that is a reduction).

    Returns:
      A function for `batches`: "image" [height, width, C] uint8 -> [size, size, C] float32 in [0, 1]. Pictures
      smaller than the patch are enlarged to cover it.
    """

    def transform(example, seed):
        image = example["image"]
        draw = [tf.random.experimental.stateless_fold_in(seed, i) for i in range(5)]
        factor = tf.random.stateless_uniform([], draw[0], *scale_range)
        window = tf.cast(tf.round(size / factor), tf.int32)  # crop first, so that only the patch is resized
        window = tf.minimum(window, tf.reduce_min(tf.shape(image)[:2]))
        image = tf.image.stateless_random_crop(image, [window, window, image.shape[-1]], draw[1])
        image = to_float(image)
        if window != size:
            image = tf.image.resize(image, [size, size], antialias=True)
        if flip:
            image = tf.image.stateless_random_flip_left_right(image, draw[2])
            image = tf.image.stateless_random_flip_up_down(image, draw[3])
        if transpose and tf.random.stateless_uniform([], draw[4]) < 0.5:
            image = tf.transpose(image, [1, 0, 2])
        return example | {"image": tf.ensure_shape(image, [size, size, None])}

    return transform
