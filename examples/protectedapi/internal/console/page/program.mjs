// What the page asks of the program itself. The program asks the issuer, which
// sends no CORS fields.

export async function load() {
  const answer = await ask("/console/state");
  if (!answer.ok) throw new Error(`The program answers the console with ${answer.status}. Reload this page.`);
  return answer.json();
}

// post sends a form. The field Console-Request is one that other sites' pages
// cannot send.
export async function post(path, form, fields = {}) {
  const answer = await ask("/console/" + path, {
    method: "POST", headers: { "Console-Request": "1", ...fields }, body: new URLSearchParams(form),
  });
  const text = await answer.text();
  const body = text.startsWith("{") ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(body.error_description ?? `The issuer answered ${answer.status}.`);
  return body;
}

async function ask(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    throw new Error("The program does not answer. Start it again, and reload this page.");
  }
}
