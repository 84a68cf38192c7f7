// One camera's live annotated picture, drawn from the box's preview frames. The newest still shows until one comes.

export function showPicture(element, blob) {
  const picture = element.querySelector("img");
  const address = URL.createObjectURL(blob);
  const old = picture.src;
  picture.src = address;
  if (old.startsWith("blob:")) URL.revokeObjectURL(old);
  element.classList.add("has-picture");
}

const STALE_AFTER_S = 5;

export function start(element) {
  const badge = element.querySelector("[data-picture-badge]");
  let arrivedAt = null;
  let frames = 0;
  element.addEventListener("live:preview", ({ detail }) => {
    showPicture(element, detail.blob);
    arrivedAt = Date.now();
    frames += 1;
    element.dataset.frames = frames;
    badge.hidden = false;
    badge.textContent = `live · ${new Date(detail.at * 1000).toTimeString().slice(0, 8)}`;
  });
  const timer = setInterval(() => {
    if (!element.isConnected) return clearInterval(timer);
    const age = arrivedAt && (Date.now() - arrivedAt) / 1000;
    if (age > STALE_AFTER_S) badge.textContent = `last picture ${Math.round(age)} s ago`;
  }, 1000);
}
