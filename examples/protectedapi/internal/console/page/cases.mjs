// The cases: who calls what, and what happens before. Each is a lesson of
// docs/answers.md. Without scopes, the token has all scopes of the person.

export const cases = [
  { group: "Shop", id: "shop-visitor", title: "A visitor opens the orders", expect: "401", person: "nobody", call: "GET /orders" },
  { group: "Shop", id: "shop-orders", title: "alice opens her orders", expect: "200", person: "alice", call: "GET /orders" },
  { group: "Shop", id: "shop-dashboard", title: "A customer opens the dashboard", expect: "403", person: "alice", call: "GET /admin/dashboard" },
  { group: "Shop", id: "shop-profile", title: "alice opens bob's profile", expect: "403", person: "alice", call: "GET /users/bob/profile" },
  { group: "Shop", id: "shop-scope", title: "alice orders, but the shop may only read", expect: "403, then 200", person: "alice", scopes: ["orders:read"], call: "POST /orders", react: true },
  { group: "Shop", id: "shop-step-up", title: "alice pays, without a second factor", expect: "401, then 200", person: "alice", call: "POST /transfers", react: true },

  { group: "Site", id: "cms-login", title: "The posts, without a login", expect: "401", person: "nobody", call: "GET /admin/posts" },
  { group: "Site", id: "cms-posts", title: "An editor opens the posts", expect: "200", person: "bob", call: "GET /admin/posts" },
  { group: "Site", id: "cms-settings", title: "An editor opens the settings", expect: "403", person: "bob", call: "GET /admin/settings" },
  { group: "Site", id: "cms-client", title: "The back office reads the settings", expect: "200", person: "client", call: "GET /admin/settings" },

  { group: "Tokens", id: "token-login", title: "A page logs in when the API asks", expect: "401, then 200", person: "nobody", call: "GET /orders", react: true },
  { group: "Tokens", id: "origin-login", title: "A page of another origin logs in", expect: "401, then 200", person: "nobody", cross: true, call: "GET /orders", react: true },
  { group: "Tokens", id: "token-expired", title: "An expired token is renewed", expect: "401, then 200", person: "alice", life: "-1m", call: "GET /orders", react: true },
  { group: "Tokens", id: "token-changed", title: "A token with a changed signature", expect: "401", person: "alice", change: true, call: "GET /orders" },
  { group: "Tokens", id: "token-revoked", title: "A revoked token", expect: "401", person: "alice", format: "opaque", revoke: true, call: "GET /orders" },
  { group: "Tokens", id: "token-proof", title: "A bound token with its proof", expect: "200", person: "alice", bound: true, call: "GET /orders" },
  { group: "Tokens", id: "token-stolen", title: "A bound token, stolen", expect: "401", person: "alice", bound: true, unproven: true, call: "GET /orders" },

  { group: "Outages and limits", id: "outage-opaque", title: "The issuer is down: the API cannot ask", expect: "503, then 200", person: "alice", format: "opaque", stop: true, call: "GET /orders", react: true },
  { group: "Outages and limits", id: "outage-jwt", title: "The issuer is down: the API has its keys", expect: "200", person: "alice", stop: true, call: "GET /orders" },
  { group: "Outages and limits", id: "limit", title: "Somebody guesses tokens, from alice's address", expect: "429, then 200", person: "alice", guess: true, call: "GET /console/limited", react: true },
  { group: "Outages and limits", id: "keys-rotate", title: "The issuer signs with a new key", expect: "200, and 200", person: "alice", rotate: true, call: "GET /orders" },
  { group: "Outages and limits", id: "keys-withdraw", title: "The issuer withdraws its old key", expect: "200, then 401", person: "alice", rotate: true, withdraw: true, call: "GET /orders" },
];
