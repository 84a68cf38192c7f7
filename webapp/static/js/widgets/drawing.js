// Drawing SVG, and reading the data that a page hands to its scripts.

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes, put into `parent`; `title` shows on hover. */
export function draw(name, attributes, parent, title) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (title) node.append(Object.assign(document.createElementNS(SVG, "title"), { textContent: title }));
  parent.append(node);
  return node;
}

export const readJson = (id) => JSON.parse(document.getElementById(id).textContent);
