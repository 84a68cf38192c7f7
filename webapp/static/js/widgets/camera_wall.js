// A wall of annotated pictures, refreshed gently: one camera at a time is asked for, so that boxes have little work.

import { subscribe, unsubscribe } from "../live.js";
import { showPicture } from "./camera_view.js";

const PATIENCE_MS = 4000;
const PAUSE_MS = 1500;

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function nextPicture(camera) {
  return new Promise((resolve) => {
    const done = (blob) => {
      document.removeEventListener("live:preview", listen);
      clearTimeout(timer);
      resolve(blob);
    };
    const listen = ({ detail }) => detail.camera === camera && done(detail.blob);
    const timer = setTimeout(() => done(null), PATIENCE_MS);
    document.addEventListener("live:preview", listen);
  });
}

export async function start(wall) {
  const tiles = () => [...wall.querySelectorAll("[data-camera]")];
  while (wall.isConnected) {
    for (const tile of tiles()) {
      if (document.hidden) break;
      const topic = `camera:${tile.dataset.camera}`;
      subscribe(topic);
      const blob = await nextPicture(tile.dataset.camera);
      unsubscribe(topic);
      if (blob) showPicture(tile, blob);
    }
    await wait(PAUSE_MS);
  }
}
