// The race: the windows that the chip computed once more, on the processor beside it.

import { ask, button, result } from "./request.js";

// Turn the link to the race in #result into a button, and press it `at once`. `request` gives the
// address and options of the picture's own request, to be made again.
export function offerRace(request, at_once) {
  const link = result().querySelector("#race a");
  if (!link) return;
  const place = link.parentElement;
  const start = button("Race the processor", () => race(place, start, request));
  place.replaceChildren(start);
  if (at_once) race(place, start, request);
}

async function race(place, start, request) {
  const controller = new AbortController();
  const note = document.createElement("p");
  note.className = "note";
  const say = (text) => (note.textContent = text);
  say("The processor computes the same windows …");
  place.replaceChildren(note, button("Cancel the race", () => controller.abort()));
  const began = Date.now();
  const [address, options] = await request();
  if (options.body) options.body.set("race", "1");
  const query = options.body ? "" : "?race=1";
  try {
    const { part, ok } = await ask(address + query, options, controller, () =>
      say(`The processor computes the same windows … ${Math.floor((Date.now() - began) / 1000)} s`));
    const raced = part.querySelector("#race");
    if (ok && raced) return place.replaceWith(raced);
    say("The processor is busy with another race.");
  } catch {
    say(controller.signal.aborted ? "The race was cancelled." : "The server cannot be reached.");
  }
  place.replaceChildren(note, start);
}
