// The worker of compare.js.

import { msSsim, psnr } from "./metrics.js";

self.onmessage = async ({ data: { original, restored, bytes } }) => {
  try {
    await measure(original, restored, bytes);
    postMessage({ done: true });
  } catch (error) {
    postMessage({ error: error.message });
  }
};

async function measure(original, restored, bytes) {
  const canvas = await draw(original);
  const reference = pixels(canvas);
  const codec = pixels(await draw(restored));
  postMessage({ codec: { psnr: psnr(codec, reference) } });
  const { blob, quality } = await jpegOfSize(canvas, bytes);
  const jpeg = pixels(await draw(blob));
  const rate = (8 * blob.size) / (canvas.width * canvas.height);
  postMessage({ jpeg: { blob, quality, bytes: blob.size, rate, psnr: psnr(jpeg, reference) } });
  postMessage({ codec: { msSsim: msSsim(codec, reference) } });
  postMessage({ jpeg: { msSsim: msSsim(jpeg, reference) } });
}

/** The JPEG whose size is nearest, by the browser's own encoder: bisects over its qualities, 0 to 100. */
async function jpegOfSize(canvas, bytes) {
  const distance = ({ blob }) => Math.abs(Math.log(blob.size / bytes));
  let nearest = null;
  let [low, high] = [0, 100];
  while (low <= high) {
    const quality = Math.floor((low + high) / 2);
    const made = { quality, blob: await canvas.convertToBlob({ type: "image/jpeg", quality: quality / 100 }) };
    if (!nearest || distance(made) < distance(nearest)) nearest = made;
    if (made.blob.size > bytes) high = quality - 1;
    else low = quality + 1;
  }
  return nearest;
}

async function draw(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d", { alpha: false, willReadFrequently: true }).drawImage(bitmap, 0, 0);
  bitmap.close();
  return canvas;
}

const pixels = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
