// The client for ../dev_mcp_test.go: the official SDK's client, which knows only the
// URL of an MCP server. Each line of standard input is a command in JSON, and each
// line of standard output is its result. The client exits when its input ends.

import { createInterface } from 'node:readline';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

// memory is what the client keeps about its authorization.
class Memory {
  constructor(redirectUrl) {
    this.redirectUrl = redirectUrl;
  }
  get clientMetadata() {
    return {
      client_name: 'interop', redirect_uris: [this.redirectUrl], token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    };
  }
  state() { return (this.expected ??= crypto.randomUUID()); }
  clientInformation() { return this.information; }
  saveClientInformation(information) { this.information = information; }
  tokens() { return this.saved; }
  saveTokens(tokens) { this.saved = tokens; }
  codeVerifier() { return this.verifier; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  redirectToAuthorization(url) { this.url = url.href; }
}

let memory, transport, client, server;

async function connect() {
  transport = new StreamableHTTPClientTransport(new URL(server), { authProvider: memory });
  client = new Client({ name: 'interop', version: '1' });
  await client.connect(transport);
}

// orURL returns the URL to which the user must go, if the call needs authorization.
async function orURL(call) {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    return { url: memory.url };
  }
}

const commands = {
  async connect({ url, redirect }) {
    memory = new Memory(redirect);
    server = url;
    return orURL(async () => { await connect(); return {}; });
  },
  async finish({ code }) {
    await transport.finishAuth(code);
    await connect();
    return { id: memory.information.client_id, scope: memory.saved.scope, refresh: memory.saved.refresh_token };
  },
  async call({ tool }) {
    return orURL(async () => ({ text: (await client.callTool({ name: tool })).content[0].text }));
  },
  // Replaces the access token by a bad one, so that the next call refreshes it.
  async spoil() {
    memory.saved = { ...memory.saved, access_token: 'spoiled' };
    return {};
  },
  // Forgets the refresh token, so that more scopes need a new sign-in.
  async forget() {
    delete memory.saved.refresh_token;
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...parameters } = JSON.parse(line);
  let answer;
  try {
    answer = { result: await commands[command](parameters) };
  } catch (error) {
    answer = { error: `${error.stack} ${JSON.stringify(error.cause)}` };
  }
  console.log(JSON.stringify(answer));
}
