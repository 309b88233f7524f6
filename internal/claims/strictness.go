package claims

// strictness says what a malformed claim, one of the wrong type or out of range,
// does to its token.
type strictness uint8

const (
	// A lenient claim is read as absent.
	lenient strictness = iota
	// A strict claim refuses the token. null is absent all the same: a token
	// that needs the claim is then refused for the lack of it.
	strict
	// A strictNull claim refuses the token also if it is null.
	strictNull
)

// standardClaims is the table of the standard claims. docs/issuers.md has it for
// readers. A claim is strict if reading it as absent could let somebody in: it
// says who issued the token, for whom, when, and to whom it is bound.
//
// A null cnf is the one null that refuses. Nothing else in a JWT says whether it
// is bound, so null may be a binding that got lost. An introspection response is
// different: servers that write all members they know send "cnf":null for each
// token that is not bound, and token_type says DPoP if it is.
//
// Beyond this table, what tells the kind of token is strict ([Names.AddStrict]),
// and so are the client id and the audience where a profile reads them from
// other claims.
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
}

// Error says which claim refuses the token, and what is wrong with it. Its text
// names the types of values, and no value.
type Error struct {
	Claim string
	Err   error
}

func (e *Error) Error() string { return e.Claim + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// dropped is a claim of a document that is read as absent.
type dropped struct {
	claim  int
	reason string // null, or what is malformed
}

const null = "null"

// unreadable decides, for JWTs and introspection responses alike, what a
// malformed claim does: the *[Error] refuses the token, nil means that the claim
// is read as absent from now on.
func (v *Values) unreadable(i int, err error) error {
	if v.names.strict[i] != lenient {
		return &Error{v.names.names[i], err}
	}
	v.raw[i] = nil
	v.dropped = append(v.dropped, dropped{i, err.Error()})
	return nil
}

// Sent reports whether the document has the claim, malformed or not. A claim
// that is null was not sent.
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

// Found says what the document has in place of a claim that is absent: none,
// null, or what is malformed.
func (v *Values) Found(i int) string {
	for _, d := range v.dropped {
		if d.claim == i {
			return d.reason
		}
	}
	return "none"
}
