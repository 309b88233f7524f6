// Builds elements. Texts are always text, never HTML.

export const find = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "data") Object.assign(element.dataset, value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

// button returns a button that runs an action.
export function button(text, action, properties = {}, ...more) {
  const element = make("button", { type: "button", ...properties }, text, ...more);
  element.addEventListener("click", action);
  return element;
}

// choice returns a radio button or a checkbox with its label.
export function choice(type, name, value, text, checked = false) {
  return make("label", {}, make("input", { type, name, value, checked }), make("span", {}, text));
}

export const chosen = (container) => [...container.querySelectorAll("input:checked")].map((input) => input.value);
