"""What TF Serving wants beside a SavedModel: warm-up requests and the server's configuration."""

import pathlib

import tensorflow as tf

from zoo.files import write_text

MODELS_HEADER = """# The models of this folder for TF Serving: --model_config_file=/models/models.config
model_config_list {
"""
MODEL = """  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
  }}
"""
BATCHING = """# --enable_batching --batching_parameters_file=/models/batching.config
# The server then merges requests of equal shapes. A codec's `synthesize` takes one size a batch, and its `analyze_bytes`
# pictures of one size: do not batch where clients send these pictures of several sizes.
max_batch_size { value: 8 }
batch_timeout_micros { value: 2000 }
max_enqueued_batches { value: 64 }
num_batch_threads { value: 2 }
allowed_batch_sizes: 1
allowed_batch_sizes: 2
allowed_batch_sizes: 4
allowed_batch_sizes: 8
"""
MONITORING = """# --monitoring_config_file=/models/monitoring.config
prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }
"""


def write_warmup(directory, name, requests):
    """Writes the requests that TF Serving runs when it loads the model, so that the first user need not wait.

    Args:
      directory: the version's directory.
      name: str, the servable.
      requests: list of (signature name, dict of input name to array).
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    path = pathlib.Path(directory) / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = name
            request.model_spec.signature_name = signature
            for key, value in inputs.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())


def write_server_configs(root):
    """Writes models.config for all exports in `root`, and batching.config and monitoring.config if there are none.

    Paths in them are those of the serving image, where the folder is mounted as /models.
    """
    root = pathlib.Path(root)
    names = sorted({path.parent.parent.name for path in root.glob("*/*/saved_model.pb")})
    models = MODELS_HEADER + "".join(MODEL.format(name=name) for name in names) + "}\n"
    write_text(root / "models.config", models)
    for name, text in [("batching", BATCHING), ("monitoring", MONITORING)]:
        if not (root / f"{name}.config").exists():  # a person may have changed it
            write_text(root / f"{name}.config", text)
