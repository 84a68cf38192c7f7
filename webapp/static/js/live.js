// The page's one WebSocket: topics by data-live attributes, messages as DOM events, reconnection with backoff.
//
// An element with data-live="box:ID site:ID" gets the events "live:stats", "live:changed", ... (the message as detail)
// of its topics; pictures arrive as "live:preview" {camera, at, blob}. Scripts may subscribe by themselves, too.

const counts = new Map();
const newest = new Map(); // statistics by topic
let socket = null;
let attempt = 0;
let scanned = new Set();

export let isLive = false;
export let lastMessageAt = null;
export const status = new EventTarget();

const send = (message) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
};

export function subscribe(topic) {
  counts.set(topic, (counts.get(topic) ?? 0) + 1);
  if (counts.get(topic) === 1) send({ subscribe: [topic] });
}

export function unsubscribe(topic) {
  const left = (counts.get(topic) ?? 0) - 1;
  if (left > 0) return void counts.set(topic, left);
  if (counts.delete(topic)) send({ unsubscribe: [topic] });
}

const topicsOf = (element) => element.dataset.live.split(/\s+/).filter(Boolean);

/** Follows the data-live attributes of the page; call again after the page has changed. */
export function scan() {
  const wanted = new Set([...document.querySelectorAll("[data-live]")].flatMap(topicsOf));
  for (const topic of wanted) if (!scanned.has(topic)) subscribe(topic);
  for (const topic of scanned) if (!wanted.has(topic)) unsubscribe(topic);
  scanned = wanted;
}

function deliver(topic, kind, detail) {
  lastMessageAt = Date.now();
  for (const element of document.querySelectorAll("[data-live]")) {
    if (topicsOf(element).includes(topic)) element.dispatchEvent(new CustomEvent(`live:${kind}`, { detail }));
  }
  document.dispatchEvent(new CustomEvent(`live:${kind}`, { detail }));
}

/** Binary frame: one JSON line {"camera", "at"}, with "answers" where nothing is drawn on it, a newline, then the JPEG. */
function deliverPicture(buffer) {
  const bytes = new Uint8Array(buffer);
  const end = bytes.indexOf(10);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const blob = new Blob([bytes.subarray(end + 1)], { type: "image/jpeg" });
  deliver(`${head.answers ? "camera-plain" : "camera"}:${head.camera}`, "preview", { ...head, blob });
}

/** A box sends again what it heard nothing of, and the server shows it before it looks whether it has it already. */
function isRepeated({ topic, stats }) {
  const last = newest.get(topic);
  if (last?.boot_id === stats.boot_id && stats.seq <= last.seq) return true;
  newest.set(topic, stats);
  return false;
}

function receive(event) {
  if (event.data instanceof ArrayBuffer) return deliverPicture(event.data);
  const message = JSON.parse(event.data);
  if (message.kind === "stats" && isRepeated(message)) return;
  if (message.topic) deliver(message.topic, message.kind, message);
}

function become(live) {
  isLive = live;
  status.dispatchEvent(new CustomEvent(live ? "live" : "lost"));
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws/live`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    const isBack = attempt > 0;
    attempt = 0;
    if (counts.size) send({ subscribe: [...counts.keys()] });
    become(true);
    if (isBack) status.dispatchEvent(new CustomEvent("back"));
  };
  socket.onmessage = receive;
  socket.onclose = () => {
    become(false);
    const wait = Math.min(20_000, 500 * 2 ** attempt++) * (0.5 + Math.random() / 2);
    setTimeout(connect, wait);
  };
}

export function start() {
  scan();
  connect();
}
