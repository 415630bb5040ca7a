// Measures a compressed picture, and the same picture as JPEG of equal size, in a worker.

/**
 * @param {Blob} original PNG or JPEG
 * @param {Blob} restored PNG of the same size
 * @param {number} bytes size of the compressed file
 * @param {AbortSignal} signal stops the worker
 * @param {function({codec?: object, jpeg?: object})} onPart told what is known as soon as it is: psnr and msSsim of both;
 *   blob, bytes, rate and quality of the JPEG
 * @returns {Promise<void>} when all is measured
 */
export function compare(original, restored, bytes, signal, onPart) {
  const worker = new Worker(new URL("compare-worker.js", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    worker.onmessage = ({ data }) => {
      if (data.error) reject(new Error(data.error));
      else if (data.done) resolve();
      else onPart(data);
    };
    worker.onerror = () => reject(new Error("The pictures could not be measured."));
    worker.postMessage({ original, restored, bytes });
  }).finally(() => worker.terminate());
}
