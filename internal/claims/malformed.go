package claims

// strictness says what a malformed claim does to its token. A claim is
// malformed if it has the wrong type or is out of range.
type strictness uint8

const (
	// A lenient claim is treated as absent.
	lenient strictness = iota
	// A strict claim rejects the token. A null claim is still absent; a token
	// that needs the claim is then rejected because it is missing.
	strict
	// A strictNull claim rejects the token even if it is null.
	strictNull
)

// standardClaims is the table of the standard claims; docs/issuers.md explains
// it to users. A claim is strict if treating it as absent could admit a
// request: it says who issued the token, for which audience, when, or to which
// key the token is bound.
//
// Only cnf is rejected when null. Nothing else in a JWT says whether the token
// is bound, so null may be a binding that was lost. Introspection responses
// differ: some servers write every member that they know and send "cnf":null
// for each unbound token, and token_type says DPoP if the token is bound.
//
// [Names.AddStrict] makes other claims strict: the claim that names the kind of
// token, and the claims from which a profile reads the client ID and audience.
var standardClaims = [standard]struct {
	name   string
	strict strictness
}{
	Iss:      {"iss", strict},
	Sub:      {"sub", lenient},
	Aud:      {"aud", strict},
	Exp:      {"exp", strict},
	Nbf:      {"nbf", strict},
	Iat:      {"iat", strict},
	Jti:      {"jti", lenient},
	AuthTime: {"auth_time", lenient},
	ACR:      {"acr", lenient},
	AMR:      {"amr", lenient},
	Cnf:      {"cnf", strictNull},
	Sid:      {"sid", lenient},
}

// Error reports a malformed claim that rejects its token. Its text names the
// types of values and never contains a value.
type Error struct {
	Claim string
	Err   error
}

func (e *Error) Error() string { return e.Claim + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// dropped is a claim that the document has and that is treated as absent.
type dropped struct {
	claim  int
	reason string // null, or what is malformed
}

const null = "null"

// malformed applies the rule for a malformed claim, in JWTs and introspection
// responses alike. It returns an *[Error] if the claim rejects the token. It
// returns nil if the claim is treated as absent from now on.
func (v *Values) malformed(i int, err error) error {
	if v.names.strict[i] != lenient {
		return &Error{v.names.names[i], err}
	}
	v.raw[i] = nil
	v.dropped = append(v.dropped, dropped{i, err.Error()})
	return nil
}

// Sent reports whether the document has the claim, well-formed or malformed. A
// null claim was not sent.
func (v *Values) Sent(i int) bool {
	if v.raw[i] != nil {
		return true
	}
	for _, d := range v.dropped {
		if d.claim == i {
			return d.reason != null
		}
	}
	return false
}

// Found describes, for the text of a refusal, what the document has instead of
// a usable claim: "none", "null", or what is malformed.
func (v *Values) Found(i int) string {
	for _, d := range v.dropped {
		if d.claim == i {
			return d.reason
		}
	}
	return "none"
}
