// Safe construction of the page: text goes in as text nodes only, never as markup.

/** Make an element. `props`: class, on (listeners), dataset, aria and plain attributes; false and null are left out. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key === "on") for (const [kind, listener] of Object.entries(value)) node.addEventListener(kind, listener);
    else if (key === "dataset") Object.assign(node.dataset, value);
    else if (key === "value") node.value = value;
    else node.setAttribute(key === "class" ? "class" : key, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return node;
}

/** Put `children` in the place of what `node` holds. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

let counter = 0;
/** Return an id that nothing else on the page has. */
export const fresh = (prefix) => `${prefix}-${++counter}`;
