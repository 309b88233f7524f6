// What the page asks of the program itself. The program asks the issuer, which
// sends no CORS fields.

export async function load() {
  const answer = await fetch("/console/state");
  if (!answer.ok) throw new Error(`The console's own request failed with ${answer.status}.`);
  return answer.json();
}

// post sends a form. The field Console-Request is one that other sites' pages
// cannot send.
export async function post(path, form, fields = {}) {
  const answer = await fetch("/console/" + path, {
    method: "POST", headers: { "Console-Request": "1", ...fields }, body: new URLSearchParams(form),
  });
  const text = await answer.text();
  const body = text.startsWith("{") ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(body.error_description ?? `The issuer answered ${answer.status}.`);
  return body;
}
