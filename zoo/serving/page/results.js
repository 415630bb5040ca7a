// Results as a table and as a sentence.

import { MIN_SIDE, msSsimDb } from "./metrics.js";

const ROWS = [
  ["Bytes", "bytes", formatBytes],
  ["Bits per pixel", "rate", (value) => value.toFixed(3)],
  ["PSNR, dB", "psnr", formatDb],
  ["MS-SSIM", "msSsim", (value) => value.toFixed(4)],
  ["MS-SSIM, dB", "msSsim", (value) => formatDb(msSsimDb(value))],
];
const HIGHER_IS_BETTER = ["psnr", "msSsim"];

/**
 * Fills a table with a column for each file.
 *
 * @param {HTMLTableElement} table
 * @param {Array<{title: string, bytes?: number, rate?: number, psnr?: number, msSsim?: number | null}>} columns what is
 *   undefined is not known yet, null cannot be
 * @param {Array<string>} keys the rows to show
 */
export function fillTable(table, columns, keys) {
  const head = row(["", ...columns.map(({ title }) => title)].map((title) => cell("th", title, { scope: "col" })));
  const rows = ROWS.filter(([, key]) => keys.includes(key)).map(([name, key, format]) => {
    const values = columns.map((column) => column[key]);
    const best = HIGHER_IS_BETTER.includes(key) && values.every(isKnown) ? Math.max(...values) : null;
    const cells = values.map((value) => cell("td", describe(value, format), { className: value === best ? "best" : "" }));
    return row([cell("th", name, { scope: "row" }), ...cells]);
  });
  table.replaceChildren(head, ...rows);
}

/** How a codec does against JPEG at equal bytes, in a sentence; "" until both are measured. */
export function verdict(codec, jpeg) {
  if (codec.psnr === undefined || jpeg.psnr === undefined) return "";
  const difference = Math.abs(codec.psnr - jpeg.psnr);
  if (!Number.isFinite(difference) || difference < 0.05) return "As near the original as JPEG of the same size.";
  const where = codec.psnr > jpeg.psnr ? "nearer the original than" : "further from the original than";
  return `${difference.toFixed(1)} dB ${where} JPEG of the same size.`;
}

/** How the JPEG was made, in a sentence, and what could not be measured. */
export function describeJpeg(codec, jpeg) {
  if (jpeg.quality === undefined) return "";
  const limits = [
    jpeg.quality === 0 && jpeg.bytes > codec.bytes ? " It cannot make a smaller one." : "",
    codec.msSsim === null ? ` MS-SSIM needs ${MIN_SIDE} pixels each way.` : "",
  ];
  const how = `JPEG is made by this browser's own encoder, at the quality whose file is nearest in size: ${jpeg.quality} of 100.`;
  return how + limits.join("");
}

/** A number of bytes, its thousands apart. */
export function formatBytes(bytes) {
  return bytes.toLocaleString("en");
}

function formatDb(value) {
  return value === Infinity ? "∞" : value.toFixed(2);
}

const isKnown = (value) => value !== undefined && value !== null;

function describe(value, format) {
  if (value === undefined) return "…";
  return value === null ? "–" : format(value);
}

function cell(tag, textContent, properties) {
  return Object.assign(document.createElement(tag), { textContent, ...properties });
}

function row(cells) {
  const element = document.createElement("tr");
  element.append(...cells);
  return element;
}
