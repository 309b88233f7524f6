package main

import (
	"fmt"
	"io"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/resource"
)

// printDemo prints requests to paste, each with the status to expect.
func printDemo(w io.Writer, origin string, issuer *bearertest.Issuer) {
	mint := func(scopes string) string {
		return issuer.Mint(bearertest.Token{Scope: scopes, TTL: 12 * time.Hour})
	}
	call := func(token, tool, arguments string) string {
		line := "curl -si " + origin + "/mcp"
		if token != "" {
			line += " -H 'Authorization: Bearer " + token + "'"
		}
		return line + " -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream'" +
			` -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":` + arguments + `}}'`
	}
	reader, writer := mint("notes:read"), mint("notes:read notes:write")
	const note = `{"text":"milk"}`
	for _, row := range []struct{ expect, line string }{
		{"401: no token; the challenge names the metadata and the scope", call("", "list_notes", "{}")},
		{"200: the metadata, which names the authorization server", "curl -si " + origin + resource.WellKnownPath + "/mcp"},
		{"200: a token with notes:read", call(reader, "list_notes", "{}")},
		{"403: this tool needs notes:write too; the challenge names both", call(reader, "add_note", note)},
		{"200: a token with both", call(writer, "add_note", note)},
		{"200: a token of your own", "curl -si " + issuer.URL() + "/token -d grant_type=client_credentials -d 'scope=notes:read notes:write' -d resource=" + origin + "/mcp"},
	} {
		fmt.Fprintf(w, "\n# expect %s\n%s\n", row.expect, row.line)
	}
	fmt.Fprint(w, "\nCtrl-C ends the program.\n")
}
