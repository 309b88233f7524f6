// Package claims reads the claims of access tokens (RFC 7519, RFC 9068), which
// are the members of introspection responses too (RFC 7662).
//
// It is strict about the claims that protect: a malformed one refuses the token.
// Any other claim that is malformed is read as absent, so that only what asks
// for it fails. strictness.go has the table and the one function that decides.
package claims

// The claims that every [Names] has, by index.
const (
	Iss = iota
	Sub
	Aud
	Exp
	Nbf
	Iat
	Jti
	AuthTime
	ACR
	AMR
	Cnf
	standard
)

// Names are the claims that documents are read for. After the last [Names.Add]
// it is safe for concurrent use.
type Names struct {
	names  []string
	strict []strictness
	// places has the indexes plus one of the names whose hash is the place's,
	// as a chain: nearly all places have none or one.
	places [256]uint16
	next   []uint16 // in the chain, by index
}

// NewNames returns Names of the standard claims, for JWTs.
func NewNames() *Names {
	n := new(Names)
	for i, claim := range standardClaims {
		n.Add(claim.name)
		n.strict[i] = claim.strict
	}
	return n
}

// NewAnswerNames returns Names of the standard claims, for introspection
// responses.
func NewAnswerNames() *Names {
	n := NewNames()
	n.strict[Cnf] = strict // see strictness.go
	return n
}

// Add adds a claim, unless it is there already, and returns its index. A claim
// that is not a standard one is lenient.
func (n *Names) Add(name string) int {
	if i, ok := n.find([]byte(name)); ok {
		return i
	}
	place := place([]byte(name))
	n.names = append(n.names, name)
	n.strict = append(n.strict, lenient)
	n.next = append(n.next, n.places[place])
	n.places[place] = uint16(len(n.names))
	return len(n.names) - 1
}

// AddStrict is [Names.Add] for a claim that refuses the token when it is
// malformed.
func (n *Names) AddStrict(name string) int {
	i := n.Add(name)
	n.strict[i] = max(n.strict[i], strict)
	return i
}

// find returns the index of a name. The names are ours, so nobody outside can
// make a chain long.
func (n *Names) find(name []byte) (index int, ok bool) {
	for i := n.places[place(name)]; i != 0; i = n.next[i-1] {
		if n.names[i-1] == string(name) {
			return int(i - 1), true
		}
	}
	return 0, false
}

func place(name []byte) uint8 {
	if len(name) == 0 {
		return 0
	}
	return uint8(len(name))*29 + name[0]*7 + name[len(name)-1]*3 + name[len(name)/2]
}

// Name returns the name of the claim at index i.
func (n *Names) Name(i int) string { return n.names[i] }

// Read reads a document in one strict pass.
func (n *Names) Read(document []byte) (Values, error) {
	var v Values
	err := v.Read(n, document)
	return v, err
}
