// Asking the server and showing what it says. An answer is the element #result of a page, so that
// pages with and without script look the same.

const TOLD_AFTER = 1000; // ms: a quicker answer needs no words
const HANGS_AFTER = 5000;
const BUSY = "Too much to do just now";

export const result = () => document.getElementById("result");

// So many ms; less where `signal` aborts.
export function pause(milliseconds, signal) {
  return new Promise((done) => {
    setTimeout(done, milliseconds);
    signal.addEventListener("abort", done, { once: true });
  });
}

// Ask for `address`; `waiting` gets how it stands every second, in words. `retry` is when a server
// with too much to do wants to be asked again, in s, else 0. Rejects where the server cannot be
// reached or `controller` aborts.
export async function ask(address, options, controller, waiting) {
  const began = Date.now();
  const timer = setInterval(() => waiting(waitingText(Date.now() - began)), TOLD_AFTER);
  try {
    const response = await fetch(address, { ...options, signal: controller.signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const retry = Number(response.headers.get("Retry-After"));
    let part = page.getElementById("result");
    if (!part && retry) part = card(BUSY, page.body.textContent.trim()); // no place for it
    if (!part) throw new Error("the answer is not this demo's");
    return { part: document.adoptNode(part), ok: response.ok, retry };
  } finally {
    clearInterval(timer);
  }
}

// So many seconds, unless `signal` aborts; `say` gets what is left, in words.
export async function countdown(seconds, say, signal) {
  const end = Date.now() + 1000 * seconds;
  for (let left = 1000 * seconds; left > 0 && !signal.aborted; left = end - Date.now()) {
    say(`The page tries again in ${Math.ceil(left / 1000)} s.`);
    await pause(Math.min(left, 1000), signal);
  }
}

// What an answer says, as its title and its text.
export const told = (part) => [part.dataset.title, part.querySelector("p").textContent];

function waitingText(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return milliseconds < HANGS_AFTER
    ? `Waiting for the answer … ${seconds} s`
    : `No answer for ${seconds} s: the server is busy, or it hangs.`;
}

// A card to be put in the place of #result; `buttons` are what they do by their names.
export function card(title, text, buttons = {}, error = false) {
  const made = document.createElement("section");
  made.id = "result";
  made.tabIndex = -1;
  made.className = error ? "card error" : "card";
  made.setAttribute("role", error ? "alert" : "status");
  made.dataset.title = title;
  const heading = document.createElement("h2");
  heading.textContent = title;
  const line = document.createElement("p");
  line.textContent = text;
  made.append(heading, line, ...Object.entries(buttons).map(([name, act]) => button(name, act)));
  return made;
}

export function button(name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = name;
  made.addEventListener("click", act);
  return made;
}

export function put(part) {
  result().replaceWith(part);
  document.title = part.dataset.title || "What is in the picture?";
}

// Bring what changed in `part` into the page, whose bars then move instead of appearing anew.
export function merge(part) {
  for (const from of part.querySelectorAll("[data-live]")) {
    const to = result().querySelector(`[data-live="${from.dataset.live}"]`);
    for (const name of to.getAttributeNames()) {
      if (!from.hasAttribute(name)) to.removeAttribute(name);
    }
    for (const { name, value } of from.attributes) {
      if (to.getAttribute(name) !== value) to.setAttribute(name, value);
    }
    const leaf = !from.querySelector("[data-live]");
    if (leaf && to.innerHTML !== from.innerHTML) to.innerHTML = from.innerHTML;
  }
  if (document.title !== part.dataset.title) document.title = part.dataset.title;
}
