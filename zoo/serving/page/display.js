// Makes the page say what is open and what is known of it.

import { fillTable, formatBytes, describeJpeg, verdict } from "./results.js";
import { Viewer } from "./viewer.js";

export const $ = (id) => document.getElementById(id);

const viewer = new Viewer({
  frame: $("frame"), stage: $("stage"), divider: $("divider"), split: $("split"), leftImage: $("left-image"), rightImage: $("right-image"),
  rightLayer: $("right-layer"), leftTag: $("left-tag"), rightTag: $("right-tag"),
});
$("zoom").addEventListener("change", ({ target }) => viewer.setZoom(target.value));

/**
 * Shows a picture, and the result that there is by now.
 *
 * @param {object} picture as of picture.js
 * @param {object | null} result as of codec.js
 * @param {string} title of the codec
 */
export function showPicture(picture, result, title) {
  const { codec = { title }, jpeg = { title: "JPEG" } } = result ?? {};
  open("picture", true);
  const redrawn = picture.redrawn ? ", sent to the server as PNG: upright, 8 bits, sRGB, on white" : "";
  $("source").textContent = `${picture.name}, ${picture.width} × ${picture.height}, ${size(picture.bytes)}${redrawn}`;
  fillTable($("numbers"), [codec, jpeg], ["bytes", "rate", "psnr", "msSsim"]);
  $("jpeg-note").textContent = describeJpeg(codec, jpeg);
  say(verdict(codec, jpeg));
  const blobs = { original: picture.blob, codec: result?.restored, jpeg: jpeg.blob };
  const titles = { original: "Original", codec: codec.title, jpeg: jpeg.title };
  const sides = document.querySelector("input[name=pair]:checked").value.split("-");
  const [left, right] = sides.filter((side) => blobs[side]).map((side) => ({ blob: blobs[side], label: titles[side] }));
  if (left) viewer.show(picture, left, right ?? null);
  else viewer.show(picture, { blob: picture.blob, label: titles.original }, null);
}

/** Shows a .tln file, {name, file: its bytes}, and the result that there is by now. */
export function showFile({ name, file }, result, title) {
  open("file", Boolean(result));
  $("source").textContent = `${name}, ${size(file.length)}`;
  fillTable($("numbers"), [result?.codec ?? { title }], ["bytes", "rate"]);
  say(result ? `Restored: ${result.width} × ${result.height} pixels.` : "");
  if (result) viewer.show(result, { blob: result.restored, label: result.codec.title }, null);
}

export function showModel(model, hasPicture) {
  $("model-note").textContent = model?.title ?? "";
  $("quality-setting").hidden = !model?.hasQuality || !hasPicture;
  $("quality-value").textContent = $("quality").value;
}

export function showError(error) {
  $("error").textContent = error?.message ?? "";
  $("error").hidden = !error;
}

function open(view, hasPictures) {
  document.body.dataset.view = view;
  for (const id of ["frame", "zoom"]) $(id).hidden = !hasPictures;
}

/** A live region speaks whenever its text is set, so it is set only to something new. */
function say(text) {
  if ($("verdict").textContent !== text) $("verdict").textContent = text;
}

const size = (bytes) => `${formatBytes(bytes)} bytes`;
