"""How a request fails, for gRPC and REST alike: one exception with a canonical status for servers, one for clients."""

import logging
import re

from zoo.errors import UserError

# The canonical codes in the order of their numbers, with the HTTP status that TF Serving answers for each.
HTTP_STATUS = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
CODES = list(HTTP_STATUS)
log = logging.getLogger(__name__)
MAX_MESSAGE = 1000  # gRPC sends messages among the headers, which are limited to 8 kB


class RequestError(Exception):
    """A request that is answered with an error.

    Attributes:
      code: str, a canonical code, such as "INVALID_ARGUMENT".
      message: str, one line of at most 1000 characters.
    """

    def __init__(self, code, message):
        self.code = code
        self.message = " ".join(message.split())[:MAX_MESSAGE]
        super().__init__(f"{code}: {self.message}")


class ServingError(UserError):
    """A request that was not answered as hoped.

    Attributes:
      code: str, a canonical code, such as "NOT_FOUND"; "UNAVAILABLE" where there is no server.
    """

    def __init__(self, code, message):
        self.code = code
        super().__init__(message)


def status_of(error):
    """The `RequestError` to answer for any exception; one that should not have come up is logged."""
    if isinstance(error, RequestError):
        return error
    log.error("a request failed", exc_info=error)
    return RequestError("INTERNAL", f"{type(error).__name__}: {error}")


def from_tensorflow(error):
    """The `RequestError` for a `tf.errors.OpError`: its code, and what it says without where in the graph."""
    text = error.message.split("\n\t [[")[0].split(" [Op:")[0]
    if text.startswith("Graph execution error"):  # a list of nodes and calls comes first
        text = text.split("<stack traces unavailable>\n")[-1].split("\n\n")[-1]
    return RequestError(CODES[error.error_code], re.sub(r"\{\{.*?\}\} ?", "", text))
