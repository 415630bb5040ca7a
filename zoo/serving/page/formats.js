// What a file is, by its bytes: a compressed picture, or a PNG or JPEG that the server reads as a browser shows it.

const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const PNG_WITHOUT_ALPHA = [0, 2, 3]; // grey, RGB, palette
const PNG_CHUNKS_THAT_MATTER = ["tRNS", "acTL", "iCCP", "cICP"]; // transparency, animation, colour
const PNG_COLOUR_BEFORE_SRGB = ["gAMA", "cHRM"]; // an sRGB chunk makes them void
const EXIF_ORIENTATION = 0x0112;

/** The first fields of a .tln file, or null if it is none: {model: 16 hexadecimal digits, quality: 0 for one rate}. */
export function readTlnHeader(bytes) {
  if (text(bytes, 0, 3) !== "TLN" || bytes.length < 26) return null;
  const model = Array.from(bytes.subarray(8, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return { model, quality: bytes[16] };
}

/**
 * Whether the server, which takes 8-bit PNG and JPEG as stored, sees in a file what the browser shows: it is not
 * rotated by its EXIF, and has no alpha, no colour profile and no other depth.
 */
export function isPlain(bytes) {
  try {
    if (PNG_MAGIC.every((byte, i) => bytes[i] === byte)) return isPlainPng(bytes);
    return bytes[0] === 0xff && bytes[1] === 0xd8 && isPlainJpeg(bytes);
  } catch (error) {
    if (error instanceof RangeError) return false; // cut off
    throw error;
  }
}

function isPlainPng(bytes) {
  const view = viewOf(bytes);
  if (view.getUint8(24) > 8 || !PNG_WITHOUT_ALPHA.includes(view.getUint8(25))) return false;
  const names = new Set();
  for (let at = PNG_MAGIC.length; !names.has("IDAT"); at += 12 + view.getUint32(at)) names.add(text(bytes, at + 4, 4));
  const matter = names.has("sRGB") ? PNG_CHUNKS_THAT_MATTER : [...PNG_CHUNKS_THAT_MATTER, ...PNG_COLOUR_BEFORE_SRGB];
  return !matter.some((name) => names.has(name));
}

function isPlainJpeg(bytes) {
  const view = viewOf(bytes);
  for (let at = 2; ; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    if (marker === 0xffe1 && text(bytes, at + 4, 4) === "Exif" && orientation(bytes.subarray(at + 10)) > 1) return false;
    if (marker === 0xffe2 && text(bytes, at + 4, 11) === "ICC_PROFILE") return false;
    if (marker >= 0xffc0 && marker <= 0xffc2) {
      return view.getUint8(at + 4) === 8 && [1, 3].includes(view.getUint8(at + 9)); // depth, channels
    }
    if (marker < 0xffc0 || marker === 0xffda) return false; // damaged, or of a rare kind
  }
}

/** The orientation in a TIFF block, 1 (upright) to 8. */
function orientation(tiff) {
  const view = viewOf(tiff);
  const little = text(tiff, 0, 2) === "II";
  const directory = view.getUint32(4, little);
  for (let i = 0; i < view.getUint16(directory, little); i++) {
    const entry = directory + 2 + 12 * i;
    if (view.getUint16(entry, little) === EXIF_ORIENTATION) return view.getUint16(entry + 8, little);
  }
  return 1;
}

const text = (bytes, at, length) => String.fromCharCode(...bytes.subarray(at, at + length));
const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
