// Package client holds client.mjs, the client for pages of docs/browser-clients.md,
// so that other programs can serve it.
package client

import _ "embed"

// Module is client.mjs, an ECMAScript module without dependencies.
//
//go:embed client.mjs
var Module []byte
