
// --- asking the server

// What went wrong, as a sentence for the reader.
class Trouble extends Error {}

async function ask(path, options = {}) {
  let answer;
  let text;
  try {
    answer = await fetch(new URL(path, API), { cache: "no-store", credentials: "same-origin", redirect: "error",
                                               signal: AbortSignal.timeout(ANSWER_MS_MAX), ...options });
    text = await answer.text();
  } catch (error) {
    throw new Trouble(error.name === "TimeoutError" ? "The server does not answer." : "The server cannot be reached.");
  }
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!answer.ok) {
    const sentence = value?.error?.message;
    if (sentence) throw new Trouble(`The API says: ${sentence}`);
    throw new Trouble(`The API at ${API.pathname} answers with status ${answer.status}.`);
  }
  const is_empty = answer.status === 204;
  if (value === undefined && !is_empty) throw new Trouble(`What answers at ${API.pathname} is not the API.`);
  return value;
}

function say(state, text) {
  setAttribute($("status"), "data-state", state);
  setText($("status-text"), text);
}

class Poll {
  #failures = 0;
  #answers = 0;
  #timer = 0;
  #asking = false;
  #again = false;
  paused = false;
  writable = false;

  constructor() {
    document.addEventListener("visibilitychange", () => this.resume());
  }

  get #stopped() {
    return this.paused || document.hidden;
  }

  // Asks at once, unless nobody looks.
  resume() {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    if (this.#asking) this.#again = true;
    else void this.#turn();
  }

  retry() {
    this.#failures = 0;
    $("retry").hidden = true;
    this.resume();
  }

  async #turn() {
    this.#asking = true;
    this.#again = false;
    const began = performance.now();
    try {
      const stats = await ask("stats?steps=on");
      if (stats.api_version !== 1) throw new Trouble("The API speaks a version this page does not know.");
      if (this.#failures > 0 || began - this.last > 3 * EVERY_MS) samples.forget();
      this.last = began;
      samples.add(stats);
      this.writable = stats.writable === true;
      show();
      this.#failures = 0;
      await this.#askErrors();
      this.#answers += 1;
    } catch (error) {
      this.#failures += 1;
      if (!(error instanceof Trouble)) console.error(error);
      this.trouble = error instanceof Trouble ? error.message : "The page could not make sense of an answer.";
    }
    this.#asking = false;
    this.#tell();
    this.#wait(performance.now() - began);
  }

  async #askErrors() {
    if (this.#answers % ERRORS_EVERY !== 0) return;
    try {
      showErrors((await ask("errors")).errors);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      setText($("errors-note"), error.message);
    }
  }

  #tell() {
    $("main").classList.toggle("stale", this.#failures > 0);
    $("retry").hidden = this.#failures < FAILURES_MAX;
    const has_given_up = this.#failures >= FAILURES_MAX;
    const tries = `${this.#failures} of ${FAILURES_MAX}`;
    const then = has_given_up ? `Gave up after ${FAILURES_MAX} tries.` : `Trying again, ${tries}.`;
    if (this.#failures > 0) return say("trouble", `${this.trouble} ${then}`);
    say(this.paused ? "paused" : "live", this.paused ? "Paused" : "Live");
  }

  #wait(took_ms) {
    if (this.#stopped || this.#failures >= FAILURES_MAX) return;
    if (this.#again) return this.resume();
    // Who has very much to show asks less often.
    let delay = Math.max(EVERY_MS - took_ms, 3 * took_ms);
    if (this.#failures > 0) delay = Math.min(EVERY_MS * 2 ** (this.#failures - 1), RETRY_MS_MAX);
    this.#timer = setTimeout(() => this.resume(), delay);
  }

  pause(paused) {
    this.paused = paused;
    setAttribute($("pause"), "aria-pressed", String(paused));
    setText($("pause"), paused ? "Go on" : "Pause");
    if (paused) say("paused", "Paused");
    this.resume();
  }
}

const poll = new Poll();

// --- steering upstream servers

const ACTS = {
  Drain: { body: { drain: true }, text: "It gets no new clients. What is under way goes on, and who sticks to it." },
  Down: { body: { down: true }, text: "It gets no requests any more. Those under way go on." },
  Up: { body: { down: false, drain: false }, text: "It gets requests again." },
};

function buttonsFor(group, name, state) {
  const possible = state === "down" ? ["Up"] : state === "draining" ? ["Up", "Down"] : ["Drain", "Down"];
  return possible.map((label) => {
    return { label, name: `${label} ${name} of ${group}`, act: () => void steer(label, group, name) };
  });
}

function confirmed(title, text, yes) {
  const dialog = $("ask");
  setText($("ask-title"), title);
  setText($("ask-text"), text);
  setText($("ask-yes"), yes);
  return new Promise((resolve) => {
    $("ask-yes").onclick = () => dialog.close("yes");
    $("ask-no").onclick = () => dialog.close("");
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
    dialog.returnValue = "";
    dialog.showModal();
  });
}

async function steer(label, group, name) {
  const { body, text } = ACTS[label];
  const message = $("message");
  message.hidden = true;
  if (!await confirmed(`${label}: ${name} of ${group}`, text, label)) return;
  try {
    await ask(`upstreams/${encodeURIComponent(group)}/servers/${encodeURIComponent(name)}`,
              { method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    setText(message, error.message);
    message.hidden = false;
  }
  poll.resume();
}

// --- the page

class Filter {
  constructor(text) {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
  }
  matches(...texts) {
    const all = texts.join(" ").toLowerCase();
    return this.words.every((word) => all.includes(word));
  }
}

function show() {
  const filter = new Filter($("filter").value);
  showTiles();
  showServer();
  const counts = [showUpstreams(filter, poll.writable), showZones("server_zones", "server-zones", filter),
                  showZones("location_zones", "location-zones", filter),
                  showZones("upstream_zones", "upstream-zones", filter, "header_seconds")];
  showWorkers();
  showMore();
  const [shown, all] = counts.reduce(([a, b], [c, d]) => [a + c, b + d]);
  setText($("filter-note"), filter.words.length ? `${shown} of ${all}` : "");
}

setText($("host"), location.host);
document.title = `ringx ${location.host}`;
$("pause").addEventListener("click", () => poll.pause(!poll.paused));
$("retry").addEventListener("click", () => poll.retry());
$("filter").addEventListener("input", () => samples.now && show());
poll.resume();
