// The page: what happens when something is opened, chosen or moved.

import { compressPicture, restoreFile } from "./codec.js";
import { $, showError, showFile, showModel, showPicture } from "./display.js";
import { readTlnHeader } from "./formats.js";
import { readPicture } from "./picture.js";
import { listModels } from "./server.js";

const DEBOUNCE = 250; // ms that the quality rests before it is asked for

let models = [];
let source = null; // what is open: a picture as of picture.js, or {name, file: bytes of a .tln}
let result = null; // what came of it, as of codec.js
let job = new AbortController();

/** Does something that takes time. What was being done before is abandoned; what goes wrong is shown in words. */
async function supersede(work) {
  job.abort();
  const { signal } = (job = new AbortController());
  showError(null);
  allowSaving(false); // what is there is not what is asked for any more
  document.body.ariaBusy = "true";
  try {
    await work(signal);
  } catch (error) {
    if (signal.aborted) return;
    result = null;
    show();
    showError(error);
  }
  if (!signal.aborted) document.body.ariaBusy = "false";
}

async function openFile(file) {
  try {
    await loading;
    const bytes = new Uint8Array(await file.arrayBuffer());
    const header = readTlnHeader(bytes);
    source = header ? { name: file.name, file: bytes } : await readPicture(file);
    if (header) chooseModelOf(header);
  } catch (error) {
    showError(error);
    return; // what was open stays open
  }
  result = null;
  supersede(run);
}

function chooseModelOf({ model: identity }) {
  const maker = models.findIndex((model) => model.identity === identity);
  if (maker >= 0) $("model").selectedIndex = maker;
}

/** Makes the result of what is open, with the model and the quality that are chosen. */
async function run(signal) {
  show();
  const model = currentModel();
  if (!model) throw new Error("This server has no model that compresses pictures.");
  if (source.file) await restoreFile(source.file, model, signal, take);
  else await compressPicture(source, model, Number($("quality").value), signal, take);
}

function take(made) {
  result = made;
  show();
  allowSaving(true);
}

function show() {
  const model = currentModel();
  showModel(model, !source?.file);
  if (source) (source.file ? showFile : showPicture)(source, result, model?.name ?? "codec");
}

const currentModel = () => models[$("model").selectedIndex];

function allowSaving(allowed) {
  for (const id of ["save-tln", "save-png"]) $(id).disabled = !allowed;
}

function save(blob, extension) {
  const name = source.name.replace(/\.[^.]+$/, "") + extension;
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may take a while to read it
}

function openFirst({ files }) {
  if (files.length) openFile(files[0]);
}

function listenToFiles() {
  for (const id of ["drop", "open-another"]) $(id).addEventListener("click", () => $("file").click());
  $("file").addEventListener("change", ({ target }) => {
    openFirst(target);
    target.value = ""; // so that the same file can be chosen again
  });
  addEventListener("paste", ({ clipboardData }) => openFirst(clipboardData));
  const dragging = (over) => document.body.classList.toggle("dragging", over);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    dragging(true);
  });
  addEventListener("dragleave", ({ relatedTarget }) => dragging(relatedTarget !== null));
  addEventListener("drop", (event) => {
    event.preventDefault();
    dragging(false);
    openFirst(event.dataTransfer);
  });
}

function listenToControls() {
  const rest = (signal) => new Promise((resolve) => setTimeout(() => resolve(signal.aborted || run(signal)), DEBOUNCE));
  $("model").addEventListener("change", () => (source ? supersede(run) : show()));
  $("quality").addEventListener("input", () => {
    show();
    if (source) supersede(rest);
  });
  $("pair").addEventListener("change", show);
  $("save-tln").addEventListener("click", () => save(new Blob([result.bytes]), ".tln"));
  $("save-png").addEventListener("click", () => save(result.restored, ".png"));
}

async function load() {
  models = await listModels();
  $("model").replaceChildren(...models.map(({ name }) => new Option(name)));
  show();
}

listenToFiles();
listenToControls();
const loading = load();
loading.catch(showError);
