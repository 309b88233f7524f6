package cli

import (
	"fmt"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

// devBanner returns what bearer dev prints at its start.
func devBanner(s dev.Summary, paint ui.Painter) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	heading := func(text string) { line("\n%s", paint.Paint(ui.Strong, text)) }

	line("%s", paint.Paint(ui.Strong, "An authorization server for development runs at "+s.URL))
	line("%s", paint.Paint(ui.Warn, "For development only: it asks for no password."))
	for _, i := range s.Issuers {
		heading("Issuer " + i.URL)
		line("  tokens    %s, %s, for %s", i.Profile, i.TokenFormat, ui.Printable(strings.Join(i.Audience, " ")))
		line("  metadata  %s/.well-known/openid-configuration", i.URL)
		line("  in Go     %s", strings.ReplaceAll(i.Go, "\n", "\n            "))
		line("  a token   %s", i.Curl)
		line("  a login   bearer token --login --scope orders:read --issuer %s", i.URL)
	}
	heading("Users")
	for _, u := range s.Users {
		line("  %s%s", ui.Printable(u.Name), detail("roles", u.Roles))
	}
	heading("Clients")
	for _, c := range s.Clients {
		kind := "with a secret"
		if c.Public {
			kind = "public"
		}
		uris := c.RedirectURIs
		if c.AnyLoopback {
			uris = append([]string{"any on loopback"}, uris...)
		}
		line("  %s, %s%s", ui.Printable(c.ID), kind, detail("redirect URIs", uris))
	}
	heading("Make something happen")
	for _, t := range dev.Triggers {
		line("  bearer trigger %-9s %s", t.Name, t.Does)
	}
	line("\nPress Ctrl-C to stop. Requests:")
	return b.String()
}

// detail returns a list in parentheses, or nothing.
func detail(name string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	return " (" + name + ": " + ui.Printable(strings.Join(values, ", ")) + ")"
}
