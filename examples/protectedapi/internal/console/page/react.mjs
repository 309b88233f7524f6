// How the client of this page reacts to refusals.

import { act, pause } from "./act.mjs";
import { button, find, make } from "./dom.mjs";
import * as log from "./log.mjs";
import { login } from "./login.mjs";

export class Client {
  constructor(state, session) { Object.assign(this, { state, session }); }

  // remedied is called with a request to repeat.
  remedied;

  // renew gets a new token with the same scopes.
  renew = async () => {
    const { token } = this.session;
    if (!token) return null;
    log.note("The client gets a new token with the same scopes.");
    return this.session.get({ ...token.choice, life: "1h" });
  };

  // authorize asks the user for what the challenge wants.
  authorize = async (wanted) => {
    const next = await login(this.state, this.session.token?.choice, wanted);
    log.note(next ? `${this.session.person(next.person).name} allows it, and the client repeats the request.` : "The user cancels. The client shows the refusal.");
    return next && this.session.get(next);
  };

  // wait shows the seconds that are left, and ends early if the user says so.
  wait = async (seconds) => {
    let left = Math.ceil(seconds), timer;
    const text = make("p", {}), waiting = make("li", { id: "waiting", className: "card" }, text);
    const show = () => { text.textContent = `The client waits ${left} s, as Retry-After says. It keeps the token.`; };
    try {
      await pause((over) => {
        const now = button("Try now", over, { id: "wait-over" });
        const start = button("Start the issuer", () => find("issuer-switch").click(), { id: "wait-start", hidden: this.state.issuer.running });
        waiting.append(make("p", { className: "actions" }, now, start));
        timer = setInterval(() => { left -= 1; if (left > 0) show(); else over(); }, 1000);
        show();
        log.wait(waiting, text.textContent);
      });
    } finally {
      clearInterval(timer);
      waiting.remove();
    }
  };

  // remedy returns the button for a refusal that the client did not react to, or
  // nothing.
  remedy({ request, verdict, token }) {
    if (request.react || request.brief) return "";
    const again = () => this.remedied({ ...request, unproven: false });
    const ask = async () => { if (await this.authorize(verdict.wanted)) await again(); };
    const remedies = {
      login: ["Log in, and try again", ask],
      scope: ["Ask for more scope, and try again", ask],
      stepUp: ["Log in with a second factor, and try again", ask],
      renew: token && ["Get a new token, and try again", async () => { if (await this.renew()) await again(); else await ask(); }],
      prove: token?.key && ["Try again with a proof", again],
      wait: ["Try again", again],
    };
    const [text, action] = remedies[verdict.remedy] ?? [];
    return text ? make("p", { className: "actions remedy" }, button(text, () => act(text, action))) : "";
  }
}
