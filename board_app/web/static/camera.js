// Live cameras: this device's and the board's. Both are looked at in a loop, one request after the
// other, so a slow network means fewer pictures and no queue.

import { offerRace } from "./race.js";
import { ask, button, card, countdown, merge, pause, put, result, told } from "./request.js";

// Pixels of the longer side of what is sent, which is ten windows of the network.
const side = () => Number(document.getElementById("camera").dataset.side);
const RETRY = 1000; // ms
const STREAM_RETRY = 5000;
const SPOKEN_EVERY = 3000; // ms between two answers that are read out

let running; // the loop's controller

export function stop() {
  running?.abort("stopped");
}

// What `element`, a video or image, shows now, its longer side `side` pixels at most.
function still(element, side) {
  const width = element.videoWidth ?? element.naturalWidth;
  const height = element.videoHeight ?? element.naturalHeight;
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d").drawImage(element, 0, 0, canvas.width, canvas.height);
  return canvas;
}

// The same as a form to post.
async function grab(element) {
  const canvas = still(element, side());
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  const body = new FormData();
  body.set("picture", blob, "frame.jpg");
  body.set("video", "1");
  return body;
}

// Show `stage`, a video or image, with what the loop finds in it until it is stopped: `request`
// gives the address and options of the next request, after the number of the frame seen last.
async function follow(stage, request, controls = []) {
  stop();
  const mine = (running = new AbortController());
  const bar = document.createElement("div");
  const pace = document.createElement("p");
  const spoken = document.createElement("p");
  bar.className = "live";
  pace.id = "pace";
  spoken.className = "unseen";
  spoken.setAttribute("role", "status");
  bar.append(button("Stop", stop), ...controls, pace, spoken);
  const say = (text) => (pace.textContent = text);
  const times = [];
  let settled = false;
  let number = 0;
  let last = 0;
  result().prepend(bar);
  while (!mine.signal.aborted) {
    if (document.hidden) {
      await pause(RETRY, mine.signal);
      continue;
    }
    try {
      const { part, ok, retry } = await ask(...(await request(number)), mine, say);
      if (mine.signal.aborted) break;
      mark(!ok);
      if (!ok) {
        const [title, text] = told(part);
        document.title = spoken.textContent = title;
        await countdown(retry || RETRY / 1000, (when) => say(`${text}. ${when}`), mine.signal);
        continue;
      }
      if (settled) merge(part);
      else settle(part, stage, bar);
      settled = true;
      number = part.dataset.number ?? 0;
      times.push(Date.now());
      if (times.length > 20) times.shift();
      const seconds = (times.at(-1) - times[0]) / 1000;
      say(seconds ? `${((times.length - 1) / seconds).toFixed(1)} pictures/s` : "");
      if (Date.now() - last > SPOKEN_EVERY && spoken.textContent !== part.dataset.title) {
        spoken.textContent = part.dataset.title;
        last = Date.now();
      }
    } catch (error) {
      if (mine.signal.aborted) break;
      mark(true);
      say("The server cannot be reached: the page tries again.");
      await pause(RETRY, mine.signal);
    }
  }
  bar.remove();
  const seen = stage.videoWidth || stage.naturalWidth;
  if (seen && stage.isConnected) stage.replaceWith(still(stage, Infinity)); // the last picture stays
  stage.removeAttribute("src");
}

// Grey what was seen last, or not: it is no answer to what is there now. A video stays as it is.
function mark(stale) {
  result().classList.toggle("stale", stale);
  for (const part of result().querySelectorAll("h2, figure:not(.seen) figcaption, .seen, .result > div + div")) part.inert = stale;
}

// Put a first answer with the live picture into the page.
function settle(part, stage, bar) {
  part.setAttribute("aria-live", "off"); // it changes all the time
  put(part);
  result().querySelector(".stage").prepend(stage);
  result().prepend(bar);
  offerRace(async () => ["/", { method: "POST", body: await grab(stage) }], false);
}

const REFUSALS = {
  NotAllowedError: "The browser may not use the camera. Allow it, beside the address, and start it again.",
  NotFoundError: "This device has no camera.",
  NotReadableError: "The camera is in use by another program.",
};

async function startCamera(device) {
  let stream;
  const video = device ? { deviceId: { exact: device } } : { facingMode: "environment" };
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video });
  } catch (error) {
    put(card("No camera", REFUSALS[error.name] ?? error.message, { "Try again": () => startCamera() }, true));
    result().focus();
    return;
  }
  const shown = document.createElement("video");
  shown.id = "shown";
  shown.muted = shown.playsInline = true;
  shown.setAttribute("aria-label", "What this device's camera sees, live");
  shown.srcObject = stream;
  const [track] = stream.getVideoTracks();
  let gone = false;
  track.addEventListener("ended", () => {
    gone = true;
    stop();
  });
  await shown.play();
  const request = async () => ["/", { method: "POST", body: await grab(shown) }];
  put(card("The camera starts", "The first picture is on its way."));
  await follow(shown, request, await choice(track));
  track.stop();
  if (gone) put(card("No camera", "It was unplugged, or another program took it.", { "Try again": () => startCamera() }, true));
}

// A list of the cameras to choose from, where there are several.
async function choice(track) {
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
  if (devices.length < 2) return [];
  const label = document.createElement("label");
  const list = document.createElement("select");
  for (const one of devices) list.append(new Option(one.label || "camera", one.deviceId));
  list.value = track.getSettings().deviceId;
  list.addEventListener("change", () => startCamera(list.value));
  label.append("Camera ", list);
  return [label];
}

export function offerCamera() {
  const start = document.getElementById("camera");
  start?.addEventListener("click", () => startCamera());
  if (!start || navigator.mediaDevices) return;
  const note = document.getElementById("camera-note");
  start.disabled = true;
  note.append(document.getElementById("insecure").content.cloneNode(true));
  note.hidden = false;
}

// Load the live picture again where it failed: as many may watch already, which an image cannot say.
function keepTrying(stage) {
  const { src, alt } = stage;
  const failed = async () => {
    stage.alt = "No live picture: many watch this camera. The page tries again.";
    stage.classList.add("blank");
    await pause(STREAM_RETRY, running.signal);
    if (running.signal.aborted) return;
    stage.classList.remove("blank");
    Object.assign(stage, { src, alt });
  };
  stage.addEventListener("error", failed);
  if (stage.complete && !stage.naturalWidth) failed(); // before this script came
}

export function watchBoard() {
  const stage = document.getElementById("shown");
  follow(stage, async (number) => [`/camera/result?after=${number}`, {}]);
  keepTrying(stage);
}
