// Opens a picture of any kind that the browser knows, and makes what the server takes of it.

import { isPlain } from "./formats.js";

export const MAX_MEGAPIXELS = 16;

/**
 * Reads a picture.
 *
 * Files that the server reads as the browser shows them are sent as they are; of others the pixels are sent, as PNG:
 * upright, in sRGB, on white where they are transparent.
 *
 * @param {File} file
 * @returns {Promise<{name: string, bytes: number, width: number, height: number, blob: Blob, redrawn: boolean}>} blob
 *   is the PNG or JPEG to send; bytes the size of the file that was opened.
 */
export async function readPicture(file) {
  const plain = isPlain(new Uint8Array(await file.arrayBuffer()));
  const url = URL.createObjectURL(file);
  try {
    const image = await loadImage(url, file.name);
    const { naturalWidth: width, naturalHeight: height } = image;
    checkSize(file.name, width, height);
    const blob = plain ? file : await redraw(image, width, height);
    return { name: file.name, bytes: file.size, width, height, blob, redrawn: !plain };
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function loadImage(url, name) {
  const image = new Image();
  image.src = url;
  try {
    await new Promise((resolve, reject) => Object.assign(image, { onload: resolve, onerror: reject }));
    return image;
  } catch {
    throw new Error(`${name} is not a picture that this browser can read, nor a .tln file.`);
  }
}

function checkSize(name, width, height) {
  if (!width || !height) throw new Error(`${name} has no size in pixels; please open a PNG or JPEG of it.`);
  const megapixels = (width * height) / 1e6;
  if (megapixels > MAX_MEGAPIXELS) {
    throw new Error(
      `${name} has ${Math.ceil(10 * megapixels) / 10} megapixels; this page takes up to ${MAX_MEGAPIXELS}. ` +
        `For larger ones there is the command: toulon compress PICTURE FILE.tln`,
    );
  }
}

async function redraw(image, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { alpha: false, colorSpace: "srgb" });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(image, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
