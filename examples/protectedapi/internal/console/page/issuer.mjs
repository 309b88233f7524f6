// The buttons that stop the issuer, and rotate its keys.

import { act } from "./act.mjs";
import { find } from "./dom.mjs";
import * as log from "./log.mjs";
import { post } from "./program.mjs";

export class Issuer {
  #state;
  #switching = false;

  constructor(state) {
    this.#state = state.issuer;
    find("issuer-switch").addEventListener("click", () => this.#toggle());
    find("rotate").addEventListener("click", () => act("The issuer rotates its keys", () => this.rotate()));
    find("withdraw").addEventListener("click", () => act("The issuer withdraws its old key", () => this.withdraw()));
    this.#show();
    find("issuer").hidden = false;
  }

  get running() { return this.#state.running; }

  get signs() { return this.#state.signs; } // the key of new tokens

  // run starts or stops the issuer.
  async run(to) {
    Object.assign(this.#state, await post("issuer", { state: to }));
    this.#show();
    log.note(this.running ? "The issuer runs again." : "The issuer is stopped.");
  }

  // rotate lets the issuer sign with a new key. It publishes the old one too.
  async rotate() {
    Object.assign(this.#state, await post("keys", { change: "rotate" }));
    this.#show();
    const { signs, old } = this.#state;
    log.note(`The issuer signs new tokens with ${signs}. It still publishes ${old}, so tokens that it signed with ${old} stay good.`);
  }

  // withdraw removes the old key from the keys that the issuer publishes.
  async withdraw() {
    const { old } = this.#state;
    Object.assign(this.#state, await post("keys", { change: "withdraw" }));
    this.#show();
    log.note(`The issuer no longer publishes ${old}. The API learns of that when it fetches the keys again: once a token names a key that it does not know, and at the latest after 5 minutes. Then it refuses the tokens of ${old}.`);
  }

  // The switch also works while the client waits for the issuer.
  async #toggle() {
    if (this.#switching) return;
    this.#switching = true;
    const change = () => this.run(this.running ? "stopped" : "running");
    try {
      if (document.body.dataset.busy) await change();
      else await act(this.running ? "Stop the issuer" : "Start the issuer", change);
    } catch (failure) {
      log.fail(failure);
    } finally {
      this.#switching = false;
    }
  }

  #show() {
    const { running, old, signs } = this.#state;
    find("issuer-state").textContent = running ? "The issuer runs" : "The issuer is stopped";
    find("issuer-key").textContent = `It signs with ${signs}${old ? `, and still publishes ${old}` : ""}.`;
    find("issuer-state").className = `pill ${running ? "good" : "down"}`;
    find("issuer-switch").textContent = running ? "Stop the issuer" : "Start the issuer";
    find("withdraw").textContent = `Withdraw ${old}`;
    find("withdraw").hidden = !old;
    const start = find("wait-start");
    if (start) start.hidden = running;
  }
}
