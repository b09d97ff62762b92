// The page works without this script. With it the result comes without loading the page again, a
// picture can be dropped or pasted, and cameras are looked at all the time.

import { offerCamera, stop, watchBoard } from "./camera.js";
import { offerRace } from "./race.js";
import { ask, card, countdown, put, result, told } from "./request.js";

document.documentElement.classList.add("script");

let newest; // of several requests the newest is shown

async function show(address, options = {}) {
  stop();
  newest?.abort("newer");
  const mine = (newest = new AbortController());
  const again = { "Try again": () => show(address, options) };
  const cancel = { Cancel: () => mine.abort("cancelled") };
  result().setAttribute("aria-busy", "true");
  const waiting = (text) => put(card("One moment", text, cancel));
  let next;
  try {
    let answer = await ask(address, options, mine, waiting);
    while (answer.retry) {
      await putOff(answer, { "Try now": again["Try again"], ...cancel }, mine.signal);
      answer = await ask(address, options, mine, waiting);
    }
    next = answer.part;
  } catch {
    next =
      mine.signal.reason === "cancelled"
        ? card("Cancelled", "Nothing was looked at.", again)
        : card("No answer", "The server cannot be reached, or the upload was cut off.", again, true);
  }
  if (mine.signal.reason === "newer") return;
  put(next);
  result().focus({ preventScroll: true });
  result().scrollIntoView({ block: "nearest" });
  offerRace(() => [address, options], true);
}

// Show that the server has too much to do, until it is time to ask it again.
async function putOff({ part, retry }, buttons, signal) {
  const shown = card(...told(part), buttons);
  const timer = document.createElement("p");
  timer.setAttribute("role", "timer"); // which is not read out every second
  shown.querySelector("p").after(timer);
  put(shown);
  await countdown(retry, (text) => (timer.textContent = text), signal);
}

function classify(file) {
  const body = new FormData();
  body.set("picture", file);
  if (location.pathname !== "/") history.pushState(null, "", "/");
  show("/", { method: "POST", body });
}

// The picture that is dropped or pasted: a file, or what another page's picture is known by.
async function take(transfer) {
  if (transfer.files.length) return classify(transfer.files[0]);
  const page = new DOMParser().parseFromString(transfer.getData("text/html"), "text/html");
  const address = page.querySelector("img")?.src || transfer.getData("text/uri-list").split("\n")[0];
  if (!address) return;
  try {
    classify(await (await fetch(address)).blob());
  } catch {
    const text = "Its page does not hand it out. Save the picture, or copy the picture itself and paste it here.";
    put(card("This picture cannot be had", text, {}, true));
    result().focus();
  }
}

for (const form of document.querySelectorAll("#upload, #photo")) {
  const input = form.elements.picture;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    classify(input.files[0]);
  });
  input.addEventListener("click", () => (input.value = "")); // the same file may be chosen again
  input.addEventListener("change", () => {
    if (input.files.length) classify(input.files[0]);
  });
}

for (const link of document.querySelectorAll("#samples a")) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // to another tab
    event.preventDefault();
    history.pushState(null, "", link.href);
    show(link.href);
  });
}

const hover = (on) => (event) => {
  event.preventDefault();
  document.body.classList.toggle("dropping", on);
};
document.addEventListener("dragover", hover(true));
document.addEventListener("dragleave", hover(false));
document.addEventListener("drop", (event) => {
  hover(false)(event);
  take(event.dataTransfer);
});
document.addEventListener("paste", (event) => take(event.clipboardData));
window.addEventListener("popstate", () => location.reload());

offerCamera();
if (location.pathname === "/camera") watchBoard();
else offerRace(() => [location.pathname, {}], true);
