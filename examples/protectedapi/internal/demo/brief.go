package demo

import (
	"fmt"
	"io"
)

// printBrief writes the console's address, and six requests with one token.
func printBrief(w io.Writer, c Config) {
	_, _ = fmt.Fprintf(w, `
Open the console in a browser: %s/
It shows who may enter which route, gets tokens, sends requests and explains the answers.
%s
The routes run on %s. The development issuer: %s
`, c.Origin, certificateNote(c), c.Framework, c.Issuer.URL())
	d := newDemo(c)
	if c.BindsToCertificate && d.certify == nil {
		_, _ = fmt.Fprint(w, noClient)
	} else {
		_, _ = fmt.Fprintf(w, "\nOr paste these lines into another terminal.\n\n1. Get a token: alice may read orders and profiles, and transfer money\n\nTOKEN=\"%s\"\n",
			d.fetch("orders:read profile transfers:write", ""))
		for n, s := range d.sections() {
			_, _ = fmt.Fprintf(w, "\n%d. %s\n", n+2, s.heading)
			printRows(w, s.rows)
		}
	}
	_, _ = fmt.Fprint(w, `
For a request of each kind of answer, run make demo-all, or this program without -brief.
Ctrl-C ends the program.
`)
}

// certificateNote says why the browser warns. It ends with a newline, or is empty.
func certificateNote(c Config) string {
	if !c.Transport.SelfSigned(true) {
		return ""
	}
	return "The certificate is made for this run, so the browser asks before it opens the page.\n"
}

// section is a group of requests under a heading.
type section struct {
	heading string
	rows    []row
}

// sections returns the basic requests. Their token is the variable of the shell.
func (d *demo) sections() []section {
	const token = "$TOKEN"
	return []section{
		{"Who are you?", []row{
			{401, "no token: the challenge has no error, so log in", d.curl("GET", "/orders")},
			{200, "with the token", d.get("/orders", token)},
			{401, "a changed token: invalid_token, so get a new one", d.get("/orders", "${TOKEN}x")},
		}},
		{"May you do that?", []row{
			{403, "the token may read orders, not write them: insufficient_scope, so ask for more scope", d.send("POST", "/orders", token)},
			{403, "bob's profile: no challenge, since no other token of alice would help", d.get("/users/bob/profile", token)},
			{401, "a transfer without a second factor: insufficient_user_authentication, so log in again", d.send("POST", "/transfers", token)},
		}},
	}
}
