// Package claims reads the claims of access tokens (RFC 7519, RFC 9068).
// Introspection responses carry the same members (RFC 7662).
//
// Claims that protect the API are strict: a malformed one rejects the token. Any
// other malformed claim is treated as absent, so only a requirement that needs it
// fails. malformed.go has the table of claims and the function that applies it.
package claims

import "slices"

// The indexes of the standard claims, which every [Names] has.
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
	Sid
	standard
)

// Names is the set of claims to read from a document. It is safe for concurrent
// use after the last call of [Names.Add] or [Names.AddStrict].
type Names struct {
	origin *Names // the Names that this one was forked from, or itself
	names  []string
	strict []strictness
	// buckets is a hash table. A bucket holds one more than the index of its
	// first name, or 0; next chains the names that share a bucket.
	buckets [256]uint16
	next    []uint16 // by index
}

// NewNames returns the standard claims, with the rules for JWTs.
func NewNames() *Names {
	n := new(Names)
	n.origin = n
	for i, claim := range standardClaims {
		n.Add(claim.name)
		n.strict[i] = claim.strict
	}
	return n
}

// NewAnswerNames returns the standard claims, with the rules for introspection
// responses.
func NewAnswerNames() *Names {
	n := NewNames()
	n.strict[Cnf] = strict // see standardClaims
	return n
}

// Fork returns a copy to add claims to. Claims keep their indexes, and those that
// are not standard claims are lenient in the copy. Fork only the longest of the
// Names with one origin, so that an index means the same claim in all of them.
func (n *Names) Fork() *Names {
	f := &Names{
		origin:  n.origin,
		names:   slices.Clone(n.names),
		strict:  make([]strictness, len(n.names)),
		buckets: n.buckets,
		next:    slices.Clone(n.next),
	}
	copy(f.strict, n.origin.strict[:standard])
	return f
}

// Add adds a lenient claim and returns its index. A claim that is already there
// keeps its index and its rule.
func (n *Names) Add(name string) int {
	if i, ok := n.find([]byte(name)); ok {
		return i
	}
	bucket := bucketOf([]byte(name))
	n.names = append(n.names, name)
	n.strict = append(n.strict, lenient)
	n.next = append(n.next, n.buckets[bucket])
	n.buckets[bucket] = uint16(len(n.names))
	return len(n.names) - 1
}

// AddStrict adds a strict claim and returns its index. A claim that is already
// there becomes strict.
func (n *Names) AddStrict(name string) int {
	i := n.Add(name)
	n.strict[i] = max(n.strict[i], strict)
	return i
}

// find returns the index of a name. Only configured names are in the table, so
// an attacker cannot lengthen a chain.
func (n *Names) find(name []byte) (index int, ok bool) {
	for i := n.buckets[bucketOf(name)]; i != 0; i = n.next[i-1] {
		if n.names[i-1] == string(name) {
			return int(i - 1), true
		}
	}
	return 0, false
}

func bucketOf(name []byte) uint8 {
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
