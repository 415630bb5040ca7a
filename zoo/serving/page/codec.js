// What is done with an opened picture or file: the server compresses or restores it, a worker measures.
//
// A result is {width, height, bytes, restored, codec, jpeg}: bytes of the .tln file, the PNG restored from it, and of
// both the codec's file and a JPEG of equal size {title, bytes, rate, psnr, msSsim}, each number once it is known; of
// the JPEG also {blob, quality}.

import { compare } from "./compare.js";
import { compress, decompress } from "./server.js";

/** Compresses a picture as of picture.js; calls `onResult` with a result, again whenever more is known. */
export async function compressPicture({ blob, width, height }, model, quality, signal, onResult) {
  const bytes = await compress(model, blob, quality, signal);
  const restored = await decompress(model, bytes, signal);
  let result = { ...describe(model, bytes, restored, width, height), jpeg: { title: "JPEG" } };
  onResult(result);
  await compare(blob, restored, bytes.length, signal, ({ codec, jpeg }) => {
    result = { ...result, codec: { ...result.codec, ...codec }, jpeg: { ...result.jpeg, ...jpeg } };
    onResult(result);
  });
}

/** Restores a picture from the bytes of a .tln file; calls `onResult` with a result without `jpeg`. */
export async function restoreFile(bytes, model, signal, onResult) {
  const restored = await decompress(model, bytes, signal);
  const { width, height } = await createImageBitmap(restored);
  signal.throwIfAborted();
  onResult(describe(model, bytes, restored, width, height));
}

function describe({ name }, bytes, restored, width, height) {
  const codec = { title: name, bytes: bytes.length, rate: (8 * bytes.length) / (width * height) };
  return { width, height, bytes, restored, codec };
}
