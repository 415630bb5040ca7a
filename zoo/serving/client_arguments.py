"""What the papers' commands of `toulon client` share."""

from zoo.arguments import positive
from zoo.errors import UserError


def add_file_arguments(parser, inputs, output, model):
    """Adds what a command that turns files into files takes.

    Args:
      parser: an `argparse.ArgumentParser`.
      inputs, output: str, what they are, for its help.
      model: str, the default.
    """
    parser.add_argument("input", nargs="+", help=inputs)
    parser.add_argument("output", help=output)
    parser.add_argument("--model", default=model, help="of the server (default %(default)s)")
    parser.add_argument(
        "--parallel", type=positive(int), default=4, help="requests at a time (default %(default)s)"
    )


def signature_inputs(client, model, signature, kind):
    """The inputs of a signature; what is wrong with the server or the model is told once, not for every file.

    Args:
      client: a `zoo.serving.client.Client`.
      model, signature: str.
      kind: str, what a model with this signature is, such as "codec".

    Returns:
      dict of name to (dtype, shape).

    Raises:
      UserError: the model has no such signature.
    """
    signatures = client.metadata(model)
    if signature not in signatures:
        raise UserError(f"{model} is no {kind}; its signatures are {', '.join(sorted(signatures))}.")
    return signatures[signature]["inputs"]
