// Runs one action of the user at a time.

import * as log from "./log.mjs";

let current = null; // the promise of the action that runs
let interrupt = null; // ends a pause of that action
let pressed = null; // the button that the user pressed last

// Not every browser focuses a button that is clicked.
document.addEventListener("click", (event) => { pressed = event.target.closest("button") ?? pressed; }, true);

// Interrupted is the error of an action that another one has ended.
class Interrupted extends Error {}

// act runs an action; what it does appears in the log under the title. A second
// press meanwhile does nothing, except that it ends a pause.
export async function act(title, action) {
  const from = pressed;
  if (current) {
    if (!interrupt) return;
    interrupt();
    await current;
    if (current) return; // an action that was pressed in between
  }
  current = perform(title, action, from);
  await current;
}

async function perform(title, action, from) {
  document.body.dataset.busy = "true";
  log.begin(title, from);
  try {
    await action();
  } catch (failure) {
    log.fail(failure instanceof Interrupted ? new Error("Another action ends this one.") : failure);
  } finally {
    current = null;
    delete document.body.dataset.busy;
    log.end();
  }
}

// pause waits until begin's callback is called, or another action begins.
export function pause(begin) {
  return new Promise((over, fail) => {
    interrupt = () => fail(new Interrupted());
    begin(over);
  }).finally(() => { interrupt = null; });
}
