package jwks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
)

// spellings finds the configured issuer that an unknown iss probably means.
type spellings struct {
	byFold map[string]string // configured URLs by their fold
	told   string            // some configured URLs, for the log
	hint   string
}

// maxIssuersTold is how many issuers a refusal lists.
const maxIssuersTold = 5

// fold removes the differences that a misspelled URL often has: case, and a
// trailing slash.
func fold(url string) string { return strings.ToLower(strings.TrimSuffix(url, "/")) }

// newSpellings returns the spellings of issuers. resolves says that Config.Resolve
// is set.
func newSpellings(issuers map[string]*issuer, resolves bool) spellings {
	urls := slices.Sorted(maps.Keys(issuers))
	s := spellings{byFold: make(map[string]string, len(urls))}
	for _, url := range urls {
		s.byFold[fold(url)] = url
	}
	s.hint = "if tokens of this issuer should be accepted, add it to Config.Issuers; otherwise the client asked the wrong server"
	if resolves {
		s.hint = "if tokens of this issuer should be accepted, have Config.Resolve return it, or add it to Config.Issuers; otherwise the client asked the wrong server"
	}
	if len(urls) == 0 { // which needs Config.Resolve
		s.told = "an issuer that Config.Resolve knows"
		return s
	}
	s.told = fmt.Sprintf("one of %q", urls[:min(len(urls), maxIssuersTold)])
	if more := len(urls) - maxIssuersTold; more > 0 {
		s.told += fmt.Sprintf(" and %d more", more)
	}
	s.told += " (Config.Issuers)"
	if resolves {
		s.told += ", or one that Config.Resolve knows"
	}
	return s
}

// maxIssuerName is the longest iss that is compared with the spellings.
const maxIssuerName = 2 << 10

// unknown returns the refusal of a token from an issuer that is not configured. If
// a configured issuer has a similar URL, the refusal names it.
func (s *spellings) unknown(name string) error {
	e := bearer.Unrecognized("iss", s.told, fmt.Sprintf("%.200q", name))
	e.Hint = s.hint
	if len(name) <= maxIssuerName {
		if url, ok := s.byFold[fold(name)]; ok {
			e.Expected = fmt.Sprintf("%q (Issuer.URL)", url)
			e.Hint = "the two differ only in the trailing slash or in case: set Issuer.URL to the tokens' iss"
		}
	}
	return e
}
