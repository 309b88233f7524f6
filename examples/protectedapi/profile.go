package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"
)

// rfc9068 is the profile of all that this program does by default: JWT access
// tokens (RFC 9068) and the answers of RFC 6750.
const rfc9068 = "rfc9068"

// profiles are the values of -profile.
var profiles = []string{rfc9068}

func profileFlag(fs *flag.FlagSet, profile *string) {
	fs.StringVar(profile, "profile", rfc9068, "`profile` that the API follows: "+strings.Join(profiles, ", "))
}

// checkProfile returns what is wrong with -profile, and with other flags under
// it.
func (c *config) checkProfile() error {
	if !slices.Contains(profiles, c.profile) {
		return fmt.Errorf("-profile %q; want one of %s", c.profile, strings.Join(profiles, ", "))
	}
	return nil
}
