// Package compliance holds what the profiles of others ask of an API, each as a
// short list of what it turns on: [FAPI2] of the FAPI 2.0 Security Profile, [MCP]
// of the authorization specification of the Model Context Protocol.
//
// A profile completes the configurations of a program before they are built, and
// says what in them contradicts it:
//
//	tokens := jwks.Config{Issuers: …}
//	proofs := dpop.Config{Origin: "https://api.example.com"}
//	guard := bearer.Config{Realm: "api"}
//	err := compliance.FAPI2.Apply(compliance.Settings{Guard: &guard, Tokens: &tokens, Proofs: &proofs})
//	fmt.Println(compliance.FAPI2) // what it turned on
//
// The ids in front of the lines are those of docs/conformance.md.
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

// Settings are the configurations of a program, which [Profile.Apply] completes
// in place. What a program does not have is nil.
type Settings struct {
	Guard    *bearer.Config     // required
	Tokens   *jwks.Config       // JWTs
	Opaque   *introspect.Config // opaque tokens
	Proofs   *dpop.Config       // of which Guard.Proofs is to be built
	Metadata *resource.Config

	// RevocationAsked says that the issuer is asked about every token, JWTs too
	// (bearer.Both, introspect.Config.JWTs), so that revocation is seen.
	// Default: about opaque ones alone.
	RevocationAsked bool
}

// Profile is a declared list of requirements. Its String is the list, a line
// each.
type Profile struct {
	name  string
	lines []line
}

// Requirement is one requirement of a [Profile].
type Requirement struct {
	ID   string // as in docs/conformance.md
	Text string // what holds, and by which field
}

type line struct {
	Requirement
	// apply completes the settings for the line, and returns what contradicts
	// it. nil: what every guard does, whatever its configuration.
	apply func(Settings) []error
}

// Name returns the name of the profile's specification.
func (p Profile) Name() string { return p.name }

// Requirements returns the requirements, in order.
func (p Profile) Requirements() []Requirement {
	lines := make([]Requirement, len(p.lines))
	for i, l := range p.lines {
		lines[i] = l.Requirement
	}
	return lines
}

// String returns the name and the lines, for people to read.
func (p Profile) String() string {
	var b strings.Builder
	b.WriteString(p.name)
	for _, l := range p.lines {
		fmt.Fprintf(&b, "\n  %-5s %s", l.ID, l.Text)
	}
	return b.String()
}

// Apply completes the settings as the profile asks, and returns all that
// contradicts it, each with the line, the field and the mend. After an error the
// settings are of no use.
func (p Profile) Apply(s Settings) error {
	if s.Guard == nil {
		return errors.New("compliance: Settings.Guard is nil; want the configuration of the guard")
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

func noFormTokens(s Settings) []error {
	if s.Guard.FormBodyTokens {
		return []error{errors.New("bearer.Config.FormBodyTokens is set; leave it out")}
	}
	return nil
}

func noPreflights(s Settings) []error {
	if s.Guard.InsecurePassPreflights {
		return []error{errors.New("bearer.Config.InsecurePassPreflights is set; leave it out, and let CORS middleware outside the guard answer preflights")}
	}
	return nil
}

func audienceSent(s Settings) []error {
	if s.Opaque.InsecureAudienceNotSent {
		return []error{errors.New("introspect.Config.InsecureAudienceNotSent is set; leave it out")}
	}
	return nil
}

func noQueryTokens(s Settings) []error {
	if s.Guard.InsecureQueryTokens {
		return []error{errors.New("bearer.Config.InsecureQueryTokens is set; leave it out")}
	}
	return nil
}
