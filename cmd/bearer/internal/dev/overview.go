package dev

import "net/http"

// overview is the page at the address that bearer dev prints: what is there, and how
// to get a token.
func (s *Server) overview(w http.ResponseWriter, _ *http.Request) {
	p := page{Title: "An authorization server for development"}
	for _, i := range s.issuers {
		p.Facts = append(p.Facts,
			fact{Name: "Issuer", Value: i.url},
			fact{Name: "Metadata", Value: i.url + "/.well-known/openid-configuration", Link: true},
			fact{Name: "Keys", Value: i.url + "/jwks", Link: true},
			fact{Name: "A token", Value: "bearer token --issuer " + i.url + " --subject alice --scope orders:read"},
			fact{Name: "A token by a login", Value: "bearer token --issuer " + i.url + " --login --scope orders:read"},
		)
	}
	p.Text = "An application sends people to the authorization endpoint of the metadata, where they choose who to be. In a terminal, bearer token does the same."
	s.issuers[0].page(w, http.StatusOK, p)
}
