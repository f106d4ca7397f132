// The dashboard: asks the API for all figures about once a second and shows what became of them meanwhile.
//
// What the server says is shown by textContent and attributes only, never as markup: names and log lines may hold what
// clients have sent. Rates are differences of two answers. Percentiles are of the last seconds where the API tells the
// steps of its histograms, otherwise of all time, and the page says which.
"use strict";

const API = new URL(document.querySelector("meta[name=api]").content, location.href);
const EVERY_MS = 1000;
const ANSWER_MS_MAX = 5000;
const FAILURES_MAX = 8;         // then somebody has to ask for more
const RETRY_MS_MAX = 15000;
const WINDOW_MS = 10000;        // of percentiles
const POINTS = 60;              // of a sparkline
const ROWS_MAX = 100;           // of a table: more are found by the filter
const ERRORS_EVERY = 3;         // answers
const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"];

const $ = (id) => document.getElementById(id);

// --- elements

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// A line of the last values, drawn anew with each.
class Sparkline {
  constructor() {
    const svg = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
    this.element = svg("svg");
    this.fill = svg("path");
    this.stroke = svg("path");
    this.element.setAttribute("class", "spark");
    this.element.setAttribute("viewBox", `0 0 ${POINTS - 1} 20`);
    this.element.setAttribute("preserveAspectRatio", "none");
    this.element.setAttribute("aria-hidden", "true");
    this.fill.setAttribute("class", "fill");
    this.stroke.setAttribute("class", "stroke");
    this.element.append(this.fill, this.stroke);
  }

  draw(values) {
    const most = Math.max(...values, 1e-9);
    const first = POINTS - values.length;
    const points = values.map((value, i) => `${first + i} ${(19 - 18 * value / most).toFixed(2)}`);
    if (points.length < 2) points.length = 0;
    const line = points.length ? `M${points.join("L")}` : "";
    this.stroke.setAttribute("d", line);
    this.fill.setAttribute("d", line && `${line}L${POINTS - 1} 20L${first} 20Z`);
  }
}

// --- numbers as text

function scaled(value, units, step) {
  let unit = 0;
  while (value >= step * 0.9995 && unit < units.length - 1) {
    value /= step;
    unit += 1;
  }
  const digits = value >= 100 || (unit === 0 && Number.isInteger(value)) ? 0 : value >= 10 ? 1 : 2;
  return value.toFixed(digits) + units[unit];
}

function asNumber(value) {
  if (value === null) return "–";
  if (value >= 100000) return scaled(value / 1000, [" k", " M", " G", " T"], 1000);
  if (Number.isInteger(value) || value >= 100) return Math.round(value).toLocaleString("en");
  return value >= 10 ? value.toFixed(1) : value < 0.05 ? "0" : value.toFixed(1);
}

const asPercent = (part) => part === null ? "–" : `${(100 * part).toFixed(part < 0.0995 ? 1 : 0)} %`;
const asBytes = (value) => value === null ? "–" : scaled(value, [" B", " kB", " MB", " GB", " TB"], 1000);

function asSeconds(value) {
  if (value === null) return "–";
  if (value >= 1) return scaled(value, [" s"], 1000);
  return value === 0 ? "0 ms" : scaled(value * 1e6, [" µs", " ms"], 1000);
}

function asDuration(seconds) {
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

function asFigure(name, value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number" || name === "pid") return String(value);
  if (name === "uptime_seconds") return asDuration(value);
  if (/timestamp|time_seconds$|_at$/.test(name) && value > 1e9) return new Date(value * 1000).toLocaleString();
  if (name.endsWith("_seconds")) return value >= 120 ? asDuration(value) : asSeconds(value);
  return name.endsWith("_bytes") ? asBytes(value) : asNumber(value);
}

const asWords = (name) => name.replace(/_(seconds|bytes)$/, "").replaceAll("_", " ");

// --- figures

const isHistogram = (value) => typeof value === "object" && value !== null && "p99" in value && "count" in value;
const sumOf = (parts) => Object.values(parts ?? {}).reduce((sum, value) => sum + value, 0);

// Adds up what things of a section have counted: numbers, parts, and the steps of histograms.
function total(things) {
  const sum = {};
  for (const thing of Object.values(things ?? {})) add(sum, thing);
  return sum;
}

function add(sum, more) {
  for (const [name, value] of Object.entries(more)) {
    if (typeof value === "number") {
      // Of percentiles of several only the worst can be told.
      sum[name] = /^(p\d+|max)$/.test(name) ? Math.max(sum[name] ?? 0, value) : (sum[name] ?? 0) + value;
    } else if (name === "steps") {
      sum.steps = (sum.steps ?? []).concat(value);
    } else if (typeof value === "object" && value !== null) {
      add(sum[name] ??= {}, value);
    }
  }
}

// What a value has grown by each second; nothing when it is new or began anew.
function rate(now, before, seconds) {
  if (now === undefined || before === undefined || now < before || !(seconds > 0)) return null;
  return (now - before) / seconds;
}

// The percentiles of what a histogram has counted since `before`, or of all of it where the API does not tell enough.
function percentiles(now, before) {
  if (!now) return { p50: null, p95: null, p99: null, recent: true };
  if (!now.steps) return now.count > 0 ? { ...now, recent: false } : { p50: null, p95: null, p99: null, recent: false };
  const counts = new Map();
  for (const [at, count] of now.steps) counts.set(at, (counts.get(at) ?? 0) + count);
  for (const [at, count] of before?.steps ?? []) counts.set(at, (counts.get(at) ?? 0) - count);
  const steps = [...counts].filter(([, count]) => count > 0).sort((a, b) => a[0] - b[0]);
  const all = steps.reduce((sum, [, count]) => sum + count, 0);
  const quantile = (part) => {
    let below = 0;
    for (const [at, count] of steps) {
      below += count;
      if (below >= part * all) return at;
    }
    return null;
  };
  return { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99), recent: true };
}

const histories = new Map();

// The last values under a name, this one included. Of one answer it is taken once, however often that is shown.
function history(name, value) {
  if (!histories.has(name)) histories.set(name, { values: [], taken: 0 });
  const kept = histories.get(name);
  if (value !== null && kept.taken !== samples.number) kept.values.push(value);
  kept.taken = samples.number;
  if (kept.values.length > POINTS) kept.values.shift();
  return kept.values;
}

// An answer, the one before it, and the last one from before the window of percentiles.
class Samples {
  #kept = [];
  number = 0;  // of answers so far

  add(stats) {
    this.number += 1;
    const at = performance.now();
    this.#kept.push({ at, stats });
    while (this.#kept.length > 2 && this.#kept[1].at < at - WINDOW_MS) this.#kept.shift();
  }
  forget() {
    this.#kept = [];
  }
  get now() {
    return this.#kept.at(-1)?.stats;
  }
  get before() {
    return this.#kept.at(-2)?.stats;
  }
  get long_before() {
    return this.#kept.length > 1 ? this.#kept[0].stats : undefined;
  }
  get seconds() {
    return this.before ? (this.#kept.at(-1).at - this.#kept.at(-2).at) / 1000 : 0;
  }

  // What is found in each of them: what has become of one thing.
  view(find) {
    const at = (stats) => stats && find(stats);
    return { now: at(this.now), before: at(this.before), long: at(this.long_before), seconds: this.seconds };
  }
}

const samples = new Samples();

// Rates and percentiles of what counts requests: a zone, a worker, an upstream server.
function traffic({ now, before, long, seconds }, latency) {
  const count = (of) => of && (typeof of.requests === "object" ? sumOf(of.requests) : of.requests);
  const classes = {};
  for (const name of CLASSES) classes[name] = rate(now.responses?.[name], before?.responses?.[name], seconds);
  return {
    requests: rate(count(now), count(before), seconds),
    classes,
    sent: rate(now.sent_bytes, before?.sent_bytes, seconds),
    received: rate(now.received_bytes, before?.received_bytes, seconds),
    ...percentiles(now[latency], long?.[latency]),
  };
}
