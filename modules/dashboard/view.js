
// --- tables

const classesOf = (how) => ["left", "wide", "rare"].filter((name) => how?.[name]).join(" ");

// Rows by name. A cell is a text, or has {text, bad, state, spark, buttons}.
class Table {
  // `columns` are [name, how]: `left` is where its text begins; a phone gives it a whole line (`wide`), also without
  // its name (`alone`), or no place (`rare`); an `unseen` name is only read out.
  constructor(title, columns, place) {
    this.columns = columns;
    this.rows = new Map();
    this.body = make("tbody", { role: "rowgroup" });
    const head = make("tr", { role: "row" });
    for (const [name, how] of columns) {
      const cell = make("th", { scope: "col", role: "columnheader", class: classesOf(how) });
      cell.append(how?.unseen ? make("span", { class: "unseen" }, name) : name);
      head.append(cell);
    }
    const table = make("table", { role: "table", "aria-label": title.text },
                       make("thead", { role: "rowgroup" }, head), this.body);
    this.element = make("div", { class: "table" });
    if (title.shown) this.element.append(make("h3", {}, title.text));
    this.note = make("p", { class: "note" });
    this.note.hidden = true;
    this.element.append(table);
    place.append(this.element, this.note);
  }

  // `rows` are [name, cells for all columns but the first].
  show(rows) {
    const shown = rows.slice(0, ROWS_MAX);
    const names = new Set(shown.map(([name]) => name));
    for (const [name, row] of this.rows) {
      if (names.has(name)) continue;
      row.element.remove();
      this.rows.delete(name);
    }
    shown.forEach(([name, cells], at) => {
      let row = this.rows.get(name);
      if (!row) this.rows.set(name, row = this.#add(name));
      if (this.body.children[at] !== row.element) this.body.insertBefore(row.element, this.body.children[at] ?? null);
      cells.forEach((cell, i) => this.#fill(row.cells[i], cell));
    });
    this.element.hidden = shown.length === 0;
    this.note.hidden = rows.length <= ROWS_MAX;
    setText(this.note, `${rows.length - shown.length} more: use the filter to see them.`);
  }

  #add(name) {
    const element = make("tr", { role: "row" }, make("th", { scope: "row", role: "rowheader", class: "left" }, name));
    const cells = this.columns.slice(1).map(([column, how]) => {
      const attributes = { role: "cell", class: classesOf(how) };
      const cell = make("td", how?.alone ? attributes : { ...attributes, "data-name": column });
      element.append(cell);
      return { element: cell };
    });
    return { element, cells };
  }

  #fill(place, cell) {
    const { text = "", bad = false, state, spark, buttons } = typeof cell === "string" ? { text: cell } : cell;
    if (spark) {
      if (!place.spark) place.element.append((place.spark = new Sparkline()).element);
      place.spark.draw(spark);
    } else if (state !== undefined) {
      if (!place.state) place.element.append(place.state = make("span", { class: "state" }));
      setAttribute(place.state, "data-state", state);
      setText(place.state, state);
    } else if (buttons) {
      // They are replaced only when others are wanted: one that has the focus keeps it.
      const wanted = buttons.map((button) => button.label).join();
      if (place.buttons === wanted) return;
      place.buttons = wanted;
      place.element.replaceChildren(make("div", { class: "buttons" }, ...buttons.map((button) => {
        const made = make("button", { type: "button", class: "small", "aria-label": button.name }, button.label);
        made.addEventListener("click", button.act);
        return made;
      })));
    } else {
      setText(place.element, text);
      place.element.classList.toggle("bad", bad);
      place.element.classList.toggle("none", text === "–" || text === "0");
    }
  }
}

// --- the parts of the page

const tables = new Map();

function table(id, title, columns, place) {
  if (!tables.has(id)) tables.set(id, new Table(title, columns, place));
  return tables.get(id);
}

const sparklines = new Map();

function drawLine(id, value) {
  if (!sparklines.has(id)) {
    sparklines.set(id, new Sparkline());
    $(id).append(sparklines.get(id).element);
  }
  sparklines.get(id).draw(history(id, value));
}

// Definitions by name, each made once.
function showFacts(place, facts) {
  const names = facts.map(([name]) => name).join("\n");
  if (place.dataset.names !== names) {
    place.dataset.names = names;
    place.replaceChildren(...facts.flatMap(([name]) => [make("dt", {}, name), make("dd")]));
  }
  const values = place.querySelectorAll("dd");
  facts.forEach(([, value], i) => setText(values[i], value));
}

function showTiles() {
  const all = samples.view((stats) => total(stats.http));
  const now = traffic(all, "duration_seconds");
  setText($("requests"), asNumber(now.requests));
  setText($("requests-sum"), asNumber(sumOf(all.now.requests)));
  drawLine("requests-line", now.requests);

  for (const name of ["p50", "p95", "p99"]) setText($(name), asSeconds(now[name]));
  const several = Object.keys(samples.now.http ?? {}).length > 1;
  const since_start = several ? "since the start, slowest worker" : "since the start";
  setText($("latency-span"), now.recent ? "of the last 10 s" : since_start);
  const spent = rate(all.now.duration_seconds?.sum, all.before?.duration_seconds?.sum, 1);
  const ended = rate(all.now.duration_seconds?.count, all.before?.duration_seconds?.count, 1);
  setText($("average"), asSeconds(ended > 0 ? spent / ended : null));
  drawLine("latency-line", now.p95);

  showClasses(now.classes);
  const open = total(samples.now.workers).connections ?? {};
  setText($("connections"), asNumber(open.active ?? null));
  const parts = ["reading", "writing", "waiting"].map((name) => `${asNumber(open[name] ?? 0)} ${name}`);
  setText($("connections-parts"), parts.join(" · "));
  drawLine("connections-line", open.active ?? null);

  setText($("sent"), now.sent === null ? "–" : `${asBytes(now.sent)}/s`);
  setText($("received"), now.received === null ? "–" : `${asBytes(now.received)}/s`);
  drawLine("traffic-line", now.sent);
}

function showClasses(classes) {
  const shown = CLASSES.filter((name) => name !== "1xx" || classes[name] > 0);
  const place = $("classes");
  if (place.children.length !== shown.length) {
    const each = (tag, content) => shown.map((name) => make(tag, { class: `is-${name}` }, ...content(name)));
    place.replaceChildren(...each("div", (name) => [make("dt", {}, name), make("dd")]));
    $("classes-bar").replaceChildren(...each("span", () => []));
  }
  shown.forEach((name, i) => {
    setText(place.children[i].lastChild, asNumber(classes[name]));
    $("classes-bar").children[i].style.flexGrow = classes[name] ?? 0;
  });
}

// What is said of the server as a whole. Figures that came later than this page are shown as they are.
function showServer() {
  const { version, state, started_seconds, generation, generation_seconds, reloads, last_reload_success,
          last_reload_seconds, workers_wanted, workers_alive, workers_serving, workers_leaving,
          ...rest } = samples.now.server ?? {};
  const since = (seconds) => asDuration(Math.max(Date.now() / 1000 - seconds, 0));
  const facts = [["version", version ?? "–"]];
  if (state) facts.push(["state", started_seconds ? `${state}, up ${since(started_seconds)}` : state]);
  const all = Object.keys(samples.now.workers ?? {}).length;
  const workers = workers_wanted ? `${workers_serving} of ${workers_wanted} serve` : asNumber(all);
  facts.push(["workers", workers_leaving ? `${workers}, ${workers_leaving} leave` : workers]);
  for (const [engine, { reason }] of Object.entries(samples.now.engine ?? {})) {
    facts.push(["engine", `${engine}: ${reason}`]);
  }
  const memory = total(samples.now.processes).resident_memory_bytes;
  if (memory) facts.push(["memory", asBytes(memory)]);
  if (generation) facts.push(["generation", `${generation}, for ${since(generation_seconds)}`]);
  if (sumOf(reloads)) {
    const each = Object.entries(reloads).map(([result, times]) => `${asNumber(times)} ${asWords(result)}`).join(", ");
    facts.push(["reloads", last_reload_success === 0 ? `${each}; the last one failed` : each]);
  }
  for (const [name, value] of Object.entries(rest)) {
    if (typeof value !== "object") facts.push([asWords(name), asFigure(name, value)]);
  }
  showFacts($("server"), facts);
}

const LEFT = { left: true };
const RARE = { rare: true };

const ZONE_COLUMNS = [["zone", LEFT], ["requests/s"], ["last minute"], ["2xx/s", RARE], ["3xx/s", RARE], ["4xx/s"],
                      ["5xx/s"], ["sent/s"], ["received/s", RARE], ["p50", RARE], ["p95"], ["p99"]];

function showZones(section, id, filter, latency = "duration_seconds") {
  const zones = Object.keys(samples.now[section] ?? {});
  $(`${id}-section`).hidden = zones.length === 0;
  const wanted = zones.filter((name) => filter.matches(name));
  const rows = wanted.slice(0, ROWS_MAX).map((name) => {
    const now = traffic(samples.view((stats) => stats[section]?.[name] ?? {}), latency);
    return [name, [
      asNumber(now.requests), { spark: history(`${section}/${name}`, now.requests) },
      asNumber(now.classes["2xx"]), asNumber(now.classes["3xx"]), asNumber(now.classes["4xx"]),
      { text: asNumber(now.classes["5xx"]), bad: now.classes["5xx"] > 0 },
      asBytes(now.sent), asBytes(now.received), asSeconds(now.p50), asSeconds(now.p95), asSeconds(now.p99),
    ]];
  });
  const title = { text: $(`${id}-title`).textContent };
  if (zones.length) table(id, title, ZONE_COLUMNS, $(id)).show(padded(rows, wanted.length));
  return [wanted.length, zones.length];
}

// Rows that are only counted.
function padded(rows, count) {
  rows.length = count;
  return rows;
}

const PEER_COLUMNS = [["server", LEFT], ["state", { left: true, wide: true, alone: true }], ["weight", RARE],
                      ["active"], ["requests/s"], ["last minute"], ["5xx/s"], ["failed"], ["failed checks"],
                      ["p50", RARE], ["p95"]];
const STEER_COLUMN = ["steer", { wide: true, alone: true, unseen: true }];

function showUpstreams(filter, writable) {
  const groups = Object.entries(samples.now.upstreams ?? {});
  $("upstreams-section").hidden = groups.length === 0;
  let shown = 0;
  let all = 0;
  for (const [group, { servers = {} }] of groups) {
    const names = Object.keys(servers);
    const wanted = names.filter((name) => filter.matches(group, name, servers[name].state));
    const rows = wanted.slice(0, ROWS_MAX).map((name) => [name, peerCells(group, name, servers[name], writable)]);
    const columns = writable ? [...PEER_COLUMNS, STEER_COLUMN] : PEER_COLUMNS;
    const title = { text: group, shown: true };
    table(`upstream/${writable}/${group}`, title, columns, $("upstreams")).show(padded(rows, wanted.length));
    shown += wanted.length;
    all += names.length;
  }
  for (const [id, one] of tables) {
    if (!id.startsWith("upstream/")) continue;
    const [, written, ...group] = id.split("/");
    if (written === String(writable) && group.join("/") in (samples.now.upstreams ?? {})) continue;
    one.element.remove();
    one.note.remove();
    tables.delete(id);
  }
  return [shown, all];
}

function peerCells(group, name, peer, writable) {
  const find = (stats) => stats.upstreams?.[group]?.servers?.[name] ?? {};
  const now = traffic(samples.view(find), "header_seconds");
  const checks = peer.checks > 0 ? `${asNumber(peer.failed_checks)} of ${asNumber(peer.checks)}` : "–";
  const cells = [
    { state: peer.state }, asNumber(peer.weight), asNumber(peer.active), asNumber(now.requests),
    { spark: history(`upstreams/${group}/${name}`, now.requests) },
    { text: asNumber(now.classes["5xx"]), bad: now.classes["5xx"] > 0 }, asNumber(peer.failed), checks,
    asSeconds(now.p50), asSeconds(now.p95),
  ];
  if (writable) cells.push({ buttons: buttonsFor(group, name, peer.state) });
  return cells;
}

function showWorkers() {
  const columns = [["worker", LEFT], ["connections"], ["waiting", RARE], ["requests/s"], ["last minute"],
                   ["CPU"], ["memory"], ["completions/s", RARE], ["waits/s", RARE], ["turn p99"], ["buffer parks"],
                   ["overflows", RARE]];
  const names = Object.keys(samples.now.workers ?? {});
  const rows = names.map((name) => {
    const worker = samples.view((stats) => stats.workers?.[name] ?? {});
    const engine = samples.view((stats) => stats.engines?.[name] ?? {});
    const process = samples.view((stats) => stats.processes?.[`worker ${name}`] ?? {});
    const of = ({ now, before, seconds }, figure) => rate(now[figure], before?.[figure], seconds);
    const requests = of(worker, "requests");
    const turns = percentiles(engine.now.turn_seconds, engine.long?.turn_seconds);
    return [name, [
      asNumber(worker.now.connections?.active ?? null), asNumber(worker.now.connections?.waiting ?? null),
      asNumber(requests), { spark: history(`worker/${name}`, requests) },
      asPercent(of(process, "cpu_seconds")), asBytes(process.now.resident_memory_bytes ?? null),
      asNumber(of(engine, "completions")), asNumber(of(engine, "waits")), asSeconds(turns.p99),
      asNumber(engine.now.buffer_parks ?? null), asNumber(engine.now.overflows ?? null),
    ]];
  });
  $("workers-section").hidden = names.length === 0;
  if (names.length) table("workers", { text: "Workers" }, columns, $("workers")).show(rows);
}

const SHOWN = new Set([
  "server", "engine", "workers", "engines", "processes", "http", "server_zones", "location_zones", "upstreams",
  "upstream_zones",
]);
const MORE_MAX = 24;

// What other sections have, so that no figure of the API needs a word here to be seen.
function showMore() {
  const place = $("more");
  const is_more = ([name, value]) => !SHOWN.has(name) && typeof value === "object" && value !== null;
  const sections = Object.entries(samples.now).filter(is_more);
  for (const [name, section] of sections) {
    let facts = place.querySelector(`[data-section="${CSS.escape(name)}"]`);
    if (!facts) {
      facts = make("dl", { class: "facts", "data-section": name });
      place.append(make("div", {}, make("h3", {}, asWords(name)), facts));
    }
    const leaves = [];
    flatten(section, [], leaves);
    if (leaves.length > MORE_MAX) leaves.splice(MORE_MAX, Infinity, ["and more", asNumber(leaves.length - MORE_MAX)]);
    facts.parentElement.hidden = leaves.length === 0;
    showFacts(facts, leaves);
  }
  $("more-section").hidden = [...place.children].every((card) => card.hidden);
}

function flatten(value, path, leaves) {
  for (const [name, one] of Object.entries(value)) {
    const names = [...path, asWords(name)];
    if (isHistogram(one)) {
      if (one.count > 0) leaves.push([`${names.join(" · ")} p99`, asSeconds(one.p99)]);
    } else if (typeof one === "object" && one !== null) {
      flatten(one, names, leaves);
    } else if (one !== 0) {  // zeroes would hide the rest
      leaves.push([names.join(" · "), asFigure(name, one)]);
    }
  }
}

// --- recent errors

const ERRORS_MAX = 128;
let newest = 0;
let latest = null;  // the entry on top: what it says, how often in a row, where

function showErrors(errors) {
  const place = $("errors");
  if (newest > (errors.at(-1)?.number ?? 0)) {  // another server now
    newest = 0;
    latest = null;
    place.replaceChildren();
  }
  for (const error of errors) {
    if (error.number <= newest) continue;
    newest = error.number;
    const key = `${error.level} ${error.text.replace(/^\*\d+ /, "")}`;  // whichever connection it was
    if (latest?.key === key) {
      latest.count += 1;
      latest.element.remove();
    } else {
      latest = { key, count: 1 };
    }
    latest.element = errorEntry(error, latest.count);
    place.prepend(latest.element);
  }
  while (place.children.length > ERRORS_MAX) place.lastChild.remove();
  // A list that can be scrolled can be reached by keyboard.
  if (place.scrollHeight > place.clientHeight) setAttribute(place, "tabindex", "0");
  setText($("errors-note"), errors.length ? "Newest first." : "None: nothing of level error or worse was logged.");
}

function errorEntry(error, count) {
  const who = error.worker === undefined ? "master" : `worker ${error.worker}`;
  const when = new Date(error.time);
  const head = [make("time", { datetime: error.time }, `${when.toLocaleDateString()} ${when.toLocaleTimeString()}`),
                make("span", { class: "level" }, error.level),
                make("span", { class: "who" }, `${who}, process ${error.pid}`)];
  if (count > 1) head.push(make("span", { class: "times" }, `${count} times in a row`));
  return make("li", {}, ...head, make("span", { class: "text" }, error.text));
}
