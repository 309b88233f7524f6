// Package binding holds the flags that bind tokens to their senders: to keys by
// DPoP (RFC 9449), and to client certificates by mutual TLS (RFC 8705).
package binding

// The values of -dpop and -mtls. The flag -dpop-nonce takes only Off and Required.
const (
	Off      = "off"
	Allowed  = "allowed"
	Required = "required"
)

// Modes returns the values of -dpop and -mtls.
func Modes() []string { return []string{Off, Allowed, Required} }
