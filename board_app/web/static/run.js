// Brings the run over all test images into its page while it goes on.

const RETRY = 5000; // ms
const page = document.getElementById("run");
const field = (name) => document.getElementById(name);
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const percent = (share, digits) => `${(100 * share).toFixed(digits)}%`;

function show(row) {
  const running = row.state === "running";
  field("start").disabled = running;
  field("cancel").disabled = !running;
  if (field("state").textContent !== row.text) field("state").textContent = row.text;
  field("progress").max = row.total || 1;
  field("progress").value = row.done;
  field("done").textContent = whole.format(row.done);
  if (row.done) {
    field("accuracy").textContent = percent(row.accuracy, 2);
    field("interval").textContent = row.interval.map((share) => percent(share, 1)).join(" to ");
    field("whole").textContent = whole.format(row.images_per_second);
    field("network").textContent = whole.format(row.network_images_per_second);
  } else {
    for (const name of ["accuracy", "interval", "whole", "network"]) field(name).textContent = "–";
  }
  row.confusion.forEach((counts, label) => {
    const sum = counts.reduce((a, b) => a + b, 0);
    const cells = field("confusion").tBodies[0].rows[label].cells;
    counts.forEach((count, answer) => {
      const cell = cells[answer + 1];
      cell.textContent = count;
      cell.className = `shade-${sum && count ? Math.min(5, 1 + Math.floor((5 * count) / sum)) : 0}`;
      if (answer === label) cell.classList.add("right");
    });
    cells[counts.length + 1].textContent = sum ? percent(counts[label] / sum, 0) : "–";
  });
  document.title = running ? `${row.done} of ${row.total} test images` : "All test images";
}

async function act(method) {
  try {
    const response = await fetch("/api/run", { method });
    const row = await response.json();
    if (!response.ok) field("state").textContent = row.error;
  } catch {
    field("state").textContent = "The server cannot be reached.";
  }
}

// Follow the run. A browser gives up where the server has no room for one more, and tries again by
// itself where it cannot be reached.
function watch() {
  const events = new EventSource(page.dataset.events);
  events.addEventListener("run", (event) => show(JSON.parse(event.data)));
  events.addEventListener("error", () => {
    const refused = events.readyState === EventSource.CLOSED;
    field("state").textContent = `${refused ? "Too many watch just now" : "The server cannot be reached"}: the page tries again.`;
    if (refused) setTimeout(watch, RETRY);
  });
}

if (field("start")) {
  for (const [name, method] of [["start", "POST"], ["cancel", "DELETE"]]) {
    field(name).form.addEventListener("submit", (event) => {
      event.preventDefault();
      act(method);
    });
  }
  watch();
}
