// The requests: the REST API of TensorFlow Serving, and the list of models that the embedded server adds to it.

const MODELS = "v1/models";

/**
 * The models that can compress, those of all qualities first.
 *
 * @returns {Promise<Array<{name: string, title: string, identity: string, hasQuality: boolean}>>} identity is what
 *   files of the model carry, "" if the server does not tell it.
 */
export async function listModels() {
  const { models } = await request(MODELS);
  const codecs = models.filter(({ signatures }) => Object.values(signatures).includes("compress_bytes"));
  const described = await Promise.all(
    codecs.map(async ({ name, card }) => ({
      name,
      title: card?.title ?? "",
      identity: card?.identity ?? "",
      hasQuality: "quality" in (await inputsOf(name, "compress_bytes")),
    })),
  );
  return described.sort((a, b) => b.hasQuality - a.hasQuality);
}

/** Compresses a picture: bytes of a .tln file. */
export async function compress(model, picture, quality, signal) {
  const inputs = { image_bytes: [{ b64: await toBase64(picture) }] };
  if (model.hasQuality) inputs.quality = [quality];
  return predict(model, "compress_bytes", inputs, signal);
}

/** Restores a picture from the bytes of a .tln file: a PNG. */
export async function decompress(model, bytes, signal) {
  const inputs = { file_bytes: [{ b64: await toBase64(new Blob([bytes])) }] };
  return new Blob([await predict(model, "decompress_bytes", inputs, signal)], { type: "image/png" });
}

/** Asks a signature with one output, of bytes, for one example. */
async function predict(model, signature, inputs, signal) {
  const { outputs } = await request(`${MODELS}/${encodeURIComponent(model.name)}:predict`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ signature_name: signature, inputs }),
    signal,
  });
  // A single output comes bare, one of several under its name.
  const values = Array.isArray(outputs) ? outputs : Object.values(outputs)[0];
  return fromBase64(values[0].b64);
}

async function inputsOf(name, signature) {
  const { metadata } = await request(`${MODELS}/${encodeURIComponent(name)}/metadata`);
  return metadata.signature_def.signature_def[signature].inputs;
}

/** Fetches JSON; what goes wrong becomes an Error in words. */
async function request(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Is it still running?");
  }
  const body = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return {};
  });
  if (response.ok) return body;
  throw new Error(body.error ? `The server says: ${plain(body.error)}` : `The server answers with status ${response.status}.`);
}

/** What a graph refuses comes as "assertion failed: [quality is] [0] [; …]". */
const plain = (message) => message.replace(/^assertion failed: /, "").replace(/[[\]]/g, "");

async function toBase64(blob) {
  const reader = new FileReader();
  await new Promise((resolve, reject) => {
    Object.assign(reader, { onload: resolve, onerror: () => reject(reader.error) });
    reader.readAsDataURL(blob);
  });
  return reader.result.slice(reader.result.indexOf(",") + 1);
}

function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
