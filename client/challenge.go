package client

// Challenge is one challenge of a WWW-Authenticate field (RFC 9110, Section 11.6.1).
type Challenge struct {
	// Scheme is the authentication scheme, as the server spelled it. Schemes are
	// compared case-insensitively.
	Scheme string
}
