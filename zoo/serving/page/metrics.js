// PSNR and MS-SSIM of 8-bit RGB pictures, the same numbers as zoo/metrics.
// Pictures are {width, height, data}, data being RGBA bytes as in an ImageData; alpha is not looked at.

export const MIN_SIDE = 161; // after four halvings, rounded up, 11 pixels are left: one window

const WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]; // of the scales, finest first
const SIGMA = 1.5;
const RADIUS = 5;
const WINDOW = 2 * RADIUS + 1;
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;

// The Gaussian window from its middle outwards; all of it sums to 1.
const TAPS = (() => {
  const taps = Array.from({ length: RADIUS + 1 }, (_, i) => Math.exp(-(i * i) / (2 * SIGMA ** 2)));
  const sum = 2 * taps.reduce((a, b) => a + b) - taps[0];
  return Float64Array.from(taps, (tap) => tap / sum);
})();

/** Peak signal-to-noise ratio of all channels together, dB; Infinity where both are equal. */
export function psnr(image, reference) {
  checkShapes(image, reference);
  let sum = 0;
  for (let i = 0; i < image.data.length; i += 4) {
    for (let c = 0; c < 3; c++) sum += (image.data[i + c] - reference.data[i + c]) ** 2;
  }
  const mse = sum / (3 * image.width * image.height);
  return 10 * Math.log10(255 ** 2 / mse);
}

/** Multi-scale structural similarity (Wang, Simoncelli & Bovik 2003), the mean over R', G', B'; null under 161 pixels. */
export function msSsim(image, reference) {
  checkShapes(image, reference);
  if (Math.min(image.width, image.height) < MIN_SIDE) return null;
  let sum = 0;
  for (let c = 0; c < 3; c++) sum += channelMsSsim(plane(image, c), plane(reference, c));
  return sum / 3;
}

/** MS-SSIM on a scale where differences near 1 can be seen, dB. */
export const msSsimDb = (value) => -10 * Math.log10(1 - value);

function checkShapes(image, reference) {
  if (image.width !== reference.width || image.height !== reference.height) {
    throw new Error(
      `pictures of ${image.width} × ${image.height} and ${reference.width} × ${reference.height} cannot be compared`,
    );
  }
}

/** One channel in [0, 1]: {width, height, data: Float32Array}. */
function plane({ width, height, data }, channel) {
  const values = new Float32Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = data[4 * i + channel] / 255;
  return { width, height, data: values };
}

function channelMsSsim(p, q) {
  let product = 1;
  WEIGHTS.forEach((weight, scale) => {
    if (scale) [p, q] = [halve(p), halve(q)];
    product *= Math.max(similarity(p, q, scale === WEIGHTS.length - 1), 0) ** weight;
  });
  return product;
}

/** Mean over all windows of contrast and structure, and of luminance too at the last scale. */
function similarity(p, q, withLuminance) {
  const { width, height } = p;
  const columns = width - WINDOW + 1;
  // Rows blurred along themselves, of p, q, p² + q² and pq: as many of the latest as a window is high.
  const rows = Array.from({ length: WINDOW }, () => Array.from({ length: 4 }, () => new Float64Array(columns)));
  const maps = Array.from({ length: 4 }, () => new Float64Array(width));
  let sum = 0;
  for (let y = 0; y < height; y++) {
    fillMaps(maps, p.data, q.data, y * width);
    maps.forEach((map, m) => blurRow(map, rows[y % WINDOW][m]));
    if (y >= WINDOW - 1) sum += sumOfRow(rows, y - RADIUS, columns, withLuminance);
  }
  return sum / (columns * (height - WINDOW + 1));
}

function fillMaps([mapP, mapQ, squares, products], p, q, start) {
  for (let x = 0; x < mapP.length; x++) {
    const a = p[start + x];
    const b = q[start + x];
    mapP[x] = a;
    mapQ[x] = b;
    squares[x] = a * a + b * b;
    products[x] = a * b;
  }
}

function blurRow(row, blurred) {
  for (let x = 0; x < blurred.length; x++) {
    const middle = x + RADIUS;
    let sum = TAPS[0] * row[middle];
    for (let i = 1; i <= RADIUS; i++) sum += TAPS[i] * (row[middle - i] + row[middle + i]);
    blurred[x] = sum;
  }
}

/** Sum of the similarities of the windows whose middle lies in row `y`. */
function sumOfRow(rows, y, columns, withLuminance) {
  const middle = rows[y % WINDOW];
  const pairs = Array.from({ length: RADIUS }, (_, i) => [
    rows[(y - i - 1) % WINDOW],
    rows[(y + i + 1) % WINDOW],
  ]);
  const blurred = (m, x) => {
    let sum = TAPS[0] * middle[m][x];
    for (let i = 0; i < RADIUS; i++) sum += TAPS[i + 1] * (pairs[i][0][m][x] + pairs[i][1][m][x]);
    return sum;
  };
  let total = 0;
  for (let x = 0; x < columns; x++) {
    const meanP = blurred(0, x);
    const meanQ = blurred(1, x);
    const meanSquares = meanP * meanP + meanQ * meanQ;
    const meanProduct = meanP * meanQ;
    let value = (2 * (blurred(3, x) - meanProduct) + C2) / (blurred(2, x) - meanSquares + C2);
    if (withLuminance) value *= (2 * meanProduct + C1) / (meanSquares + C1);
    total += value;
  }
  return total;
}

/** Means of 2 × 2 pixels, an odd side's last row or column repeated. */
function halve({ width, height, data }) {
  const half = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  half.data = new Float32Array(half.width * half.height);
  for (let y = 0; y < half.height; y++) {
    const top = 2 * y * width;
    const bottom = Math.min(2 * y + 1, height - 1) * width;
    for (let x = 0; x < half.width; x++) {
      const left = 2 * x;
      const right = Math.min(left + 1, width - 1);
      const sum = data[top + left] + data[top + right] + data[bottom + left] + data[bottom + right];
      half.data[y * half.width + x] = sum / 4;
    }
  }
  return half;
}
