// Package compliance holds the requirements that published profiles have for
// resource servers: [FAPI2] for the FAPI 2.0 Security Profile, and [MCP] for
// the authorization specification of the Model Context Protocol.
//
// A [Profile] completes the configurations of a program before they are used,
// and reports the settings that contradict it:
//
//	tokens := jwks.Config{Issuers: …}
//	proofs := dpop.Config{Origin: "https://api.example.com"}
//	guard := bearer.Config{Realm: "api"}
//	err := compliance.FAPI2.Apply(compliance.Settings{Guard: &guard, Tokens: &tokens, Proofs: &proofs})
//	fmt.Println(compliance.FAPI2) // prints the requirements
//
// docs/conformance.md lists the same requirements, by the same IDs.
package compliance

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
)

// Settings holds the configurations of a program, which [Profile.Apply]
// completes in place. A configuration that the program does not use is nil.
type Settings struct {
	Guard    *bearer.Config     // required
	Tokens   *jwks.Config       // for JWTs
	Opaque   *introspect.Config // for opaque tokens
	Proofs   *dpop.Config       // of the checker that the program will set as Guard.Proofs
	Metadata *resource.Config

	// EveryTokenIntrospected says that the program introspects every token,
	// JWTs included (bearer.Both, introspect.Config.JWTs), and so detects
	// revocation. Default: false, only opaque tokens are introspected.
	EveryTokenIntrospected bool
}

// Profile is a list of requirements.
type Profile struct {
	name  string
	lines []line
}

// Requirement is one requirement of a [Profile].
type Requirement struct {
	ID   string // as in docs/conformance.md
	Text string // the requirement, and the fields that fulfil it
}

type line struct {
	Requirement
	// apply completes the settings for the requirement and returns an error for
	// each setting that contradicts it. It is nil if every guard fulfils the
	// requirement, whatever its configuration.
	apply func(Settings) []error
}

// Name returns the name of the profile's specification.
func (p Profile) Name() string { return p.name }

// Requirements returns the requirements, in order. The caller owns the slice.
func (p Profile) Requirements() []Requirement {
	lines := make([]Requirement, len(p.lines))
	for i, l := range p.lines {
		lines[i] = l.Requirement
	}
	return lines
}

// String returns the name and the requirements as text, one requirement a line.
func (p Profile) String() string {
	var b strings.Builder
	b.WriteString(p.name)
	for _, l := range p.lines {
		fmt.Fprintf(&b, "\n  %-5s %s", l.ID, l.Text)
	}
	return b.String()
}

// Apply completes the settings as the profile requires. The error reports all
// settings that contradict it, each with the ID of the requirement, the field
// and what to change. Do not use the settings after an error.
func (p Profile) Apply(s Settings) error {
	if s.Guard == nil {
		return errors.New("compliance: Settings.Guard is nil; want the guard's configuration")
	}
	var errs []error
	for _, l := range p.lines {
		if l.apply == nil {
			continue
		}
		for _, err := range l.apply(s) {
			errs = append(errs, fmt.Errorf("compliance: %s, %s: %w", p.name, l.ID, err))
		}
	}
	return errors.Join(errs...)
}
