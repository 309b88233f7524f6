// Calls an API by client.mjs, and prints what happened. Go decides what is right.
import { readFileSync } from "node:fs";
import { challenges, client } from "../client/client.mjs";

const { parse, calls } = JSON.parse(readFileSync(0, "utf8"));
const results = { parsed: parse.map(challenges), calls: [] };
for (const { url, token, renewed, authorized } of calls) {
  const events = [];
  const call = client({
    token: async () => token || null,
    renew: async () => { events.push("renew"); return renewed || null; },
    authorize: async (wanted) => { events.push("authorize " + JSON.stringify(wanted)); return authorized || null; },
    wait: async (seconds) => {
      events.push("wait");
      await fetch(url + "/recover", { method: "POST" });
      await new Promise((done) => setTimeout(done, seconds * 1000));
    },
  });
  const answer = await call(url + "/orders");
  results.calls.push({ status: answer.status, events });
  await answer.body?.cancel();
}
console.log(JSON.stringify(results));
