// The page works without this script. With it, the result comes without loading the page again,
// and a picture can be dropped or pasted.
"use strict";

const uploadForm = document.getElementById("upload");
const sampleForm = document.getElementById("samples");
let newest = 0;

document.documentElement.classList.add("script");

async function show(form, data) {
  const request = ++newest;
  const result = () => document.getElementById("result");
  result().setAttribute("aria-busy", "true");
  if (!result().childElementCount) {
    result().className = "card";
    result().textContent = "Classifying …";
  }
  let next;
  try {
    const response = await fetch(form.action, { method: "POST", body: data });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    next = page.getElementById("result");
  } catch (error) {
    next = document.createElement("section");
    next.id = "result";
    next.className = "card error";
    next.tabIndex = -1;
    next.setAttribute("role", "alert");
    next.textContent = "The server cannot be reached, or the upload was cut off.";
  }
  if (request !== newest) return; // a later picture was chosen in the meantime
  result().replaceWith(document.adoptNode(next));
  result().focus({ preventScroll: true });
  result().scrollIntoView({ block: "nearest" });
}

function classify(file) {
  const data = new FormData();
  data.set("picture", file);
  show(uploadForm, data);
}

if (uploadForm) {
  const input = uploadForm.elements.picture;
  uploadForm.addEventListener("submit", (event) => {
    event.preventDefault();
    classify(input.files[0]);
  });
  input.addEventListener("change", () => {
    if (input.files.length) classify(input.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData.files[0];
    if (file) classify(file);
  });
  const hover = (on) => (event) => {
    event.preventDefault();
    document.body.classList.toggle("dropping", on);
  };
  document.addEventListener("dragover", hover(true));
  document.addEventListener("dragleave", hover(false));
  document.addEventListener("drop", (event) => {
    hover(false)(event);
    const file = event.dataTransfer.files[0];
    if (file) classify(file);
  });
}

if (sampleForm) {
  sampleForm.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData();
    data.set("sample", event.submitter.value);
    show(sampleForm, data);
  });
}
