// Two pictures of one size on top of each other, a divider between them, zoom by whole pixels of the screen.

const MAX_HEIGHT = 0.72; // of the window
const MIN_SIDE = 220; // CSS pixels
const MAX_ENLARGEMENT = 2; // of small pictures that are fitted
const GRAB = 24; // CSS pixels around the divider within which it is caught
const STEP = 64; // CSS pixels that an arrow key moves a zoomed picture

export class Viewer {
  /** @param {Object<string, HTMLElement>} parts frame, stage, divider, split, leftImage, rightImage, rightLayer, leftTag, rightTag */
  constructor(parts) {
    Object.assign(this, parts);
    this.zoom = "fit";
    this.size = { width: 1, height: 1 }; // of the pictures
    this.centre = { x: 0.5, y: 0.5 }; // what lies in the middle of the stage, as parts of the picture
    this.split.addEventListener("input", () => this.#placeDivider());
    this.stage.addEventListener("pointerdown", (event) => this.#drag(event));
    this.stage.addEventListener("keydown", (event) => this.#moveByKey(event));
    new ResizeObserver(() => this.#place()).observe(this.stage);
    window.addEventListener("resize", () => this.#layout());
  }

  /**
   * Shows pictures.
   *
   * @param {{width: number, height: number}} size of both, in pixels
   * @param {{blob: Blob, label: string}} left
   * @param {{blob: Blob, label: string} | null} right none: the left one alone
   */
  show(size, left, right) {
    const another = size.width !== this.size.width || size.height !== this.size.height;
    if (another) this.centre = { x: 0.5, y: 0.5 };
    this.size = size;
    setImage(this.leftImage, left);
    setImage(this.rightImage, right);
    this.leftTag.textContent = left.label;
    this.rightTag.textContent = right?.label ?? "";
    for (const part of [this.rightLayer, this.divider, this.split, this.rightTag]) part.hidden = !right;
    this.#layout();
  }

  /** @param {"fit" | "1" | "2"} zoom pixels of the screen that a pixel of the picture covers each way */
  setZoom(zoom) {
    this.zoom = zoom;
    this.#layout();
  }

  /** CSS pixels that a pixel of the picture covers each way. */
  get #scale() {
    if (this.zoom !== "fit") return Number(this.zoom) / devicePixelRatio;
    const room = this.frame.parentElement.clientWidth;
    return Math.min(MAX_ENLARGEMENT, room / this.size.width, (MAX_HEIGHT * innerHeight) / this.size.height);
  }

  get #overflows() {
    const { clientWidth, clientHeight } = this.stage;
    return this.size.width * this.#scale > clientWidth + 1 || this.size.height * this.#scale > clientHeight + 1;
  }

  /** Makes the stage as large as the picture, within the window. */
  #layout() {
    const height = Math.min(this.size.height * this.#scale, MAX_HEIGHT * innerHeight);
    this.stage.style.height = `${Math.max(Math.round(height), MIN_SIDE)}px`;
    this.frame.style.width = `${Math.max(Math.round(this.size.width * this.#scale), MIN_SIDE)}px`;
    this.#place();
  }

  #place() {
    const scale = this.#scale;
    const x = this.#offset("x", this.stage.clientWidth, this.size.width * scale);
    const y = this.#offset("y", this.stage.clientHeight, this.size.height * scale);
    for (const image of [this.leftImage, this.rightImage]) {
      image.style.width = `${this.size.width * scale}px`;
      image.style.height = `${this.size.height * scale}px`;
      image.style.transform = `translate(${x}px, ${y}px)`;
      image.style.imageRendering = scale * devicePixelRatio >= 2 ? "pixelated" : "auto";
    }
    this.stage.classList.toggle("pannable", this.#overflows);
    this.stage.tabIndex = this.#overflows ? 0 : -1;
    this.#placeDivider();
  }

  /** Where a side of the picture begins: in the middle if it is small, else without a gap at either end. */
  #offset(axis, room, length) {
    let offset = (room - length) / 2;
    if (length > room) {
      offset = Math.min(0, Math.max(room - length, room / 2 - this.centre[axis] * length));
      this.centre[axis] = (room / 2 - offset) / length;
    }
    return Math.round(offset * devicePixelRatio) / devicePixelRatio; // on whole pixels of the screen
  }

  #placeDivider() {
    this.stage.style.setProperty("--split", `${this.split.value / 10}%`);
  }

  #pan(dx, dy) {
    this.centre.x -= dx / (this.size.width * this.#scale);
    this.centre.y -= dy / (this.size.height * this.#scale);
    this.#place();
  }

  /** The divider follows the pointer; a zoomed picture does, unless the divider was caught. */
  #drag(event) {
    if (event.button !== 0) return;
    const box = this.stage.getBoundingClientRect();
    const divider = box.left + (this.split.value / 1000) * box.width;
    const pans = this.#overflows && (this.rightLayer.hidden || Math.abs(event.clientX - divider) > GRAB);
    let last = event;
    const follow = (now) => {
      if (pans) {
        this.#pan(now.clientX - last.clientX, now.clientY - last.clientY);
      } else {
        this.split.value = (1000 * (now.clientX - box.left)) / box.width;
        this.#placeDivider();
      }
      last = now;
    };
    const stop = new AbortController();
    this.stage.setPointerCapture(event.pointerId);
    this.stage.addEventListener("pointermove", follow, stop);
    for (const end of ["pointerup", "pointercancel"]) this.stage.addEventListener(end, () => stop.abort(), stop);
    follow(event);
  }

  #moveByKey(event) {
    const step = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] }[event.key];
    if (!step || !this.#overflows) return;
    event.preventDefault();
    this.#pan(...step);
  }
}

/** Shows a blob in an image, and lets go of the one before. */
function setImage(image, picture) {
  if (image.blob === picture?.blob) return;
  if (image.blob) URL.revokeObjectURL(image.src);
  image.blob = picture?.blob;
  if (picture) image.src = URL.createObjectURL(picture.blob);
  else image.removeAttribute("src");
  image.alt = picture?.label ?? "";
}
