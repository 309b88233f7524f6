package explain

import (
	"maps"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/scope"
)

// causeOfRoute is the cause of a missing scope or role: the token may have it in a
// place that the profile does not read.
func (j *judge) causeOfRoute(c *Check) cause {
	needs := j.config.Scope
	if c.Name == "role" {
		needs = j.config.Roles
	}
	for _, name := range needs {
		has := scope.All(name).Allows(j.principal.Scopes)
		if c.Name == "role" {
			has = j.principal.HasRole(name)
		}
		if !has {
			return j.causeOfLack(c.Name, name)
		}
	}
	return because("lacks-"+c.Name, "it lacks what the route requires", Advice{})
}

func (j *judge) causeOfLack(what, name string) cause {
	place, spelled := j.findName(name)
	where := clipped(place)
	grant := Advice{
		Client:   "request the scope, as the challenge says: scope=" + shown(strings.Join(j.config.Scope, " ")) + ". A new token with the same scopes does not help.",
		Issuer:   "grant the scope to this client or user.",
		Operator: "or relax the route's rule.",
	}
	if what == "role" {
		grant = Advice{
			Issuer:   "assign the role to the user or client.",
			Client:   "the user needs the role: a new login does not help before somebody assigns it.",
			Operator: "or relax the route's requirement.",
		}
	}
	switch {
	case place == "":
		return because("lacks-"+what, "it lacks the "+what+" "+shown(name), grant)
	case spelled != name && (place == "/scope" || place == "/scp"), spelled != name && what == "role":
		return because(what+"-spelling", "it has "+shown(spelled)+", and the route requires "+shown(name), Advice{
			Operator: "require the " + what + " as the issuer spells it: names are case-sensitive.",
		})
	case what == "scope":
		return because("scope-elsewhere", "it has "+shown(name)+", but in "+where+", and not among the scopes", Advice{
			Operator: "if this name is a role, or a permission that the issuer assigns, require it as one: bearer.AnyOf(bearer.Scope(scope.All(" + shown(name) + ")), bearer.Role(" + shown(name) + ")).",
			Go:       j.goPlace(place),
		})
	}
	return because("role-elsewhere", "it has the role "+shown(name)+" in "+where+", where the profile does not look", Advice{
		Operator: "name the place in Profile.Roles.", Go: j.goPlace(place),
	})
}

// goPlace returns the Go lines that read roles from a place.
func (j *judge) goPlace(place string) string {
	if place == "/scope" || place == "/scp" {
		return ""
	}
	p := j.goProfile()
	return "profile := " + p.Go + "\nprofile.Roles = append(profile.Roles, " + shown(place) + ")"
}

// findName searches the claims for a scope or role. It returns where it is as a JSON
// pointer, and how it is spelled there: with a slash before it, or in other case.
func (j *judge) findName(name string) (place, spelled string) {
	var loose, looseName string
	for _, claim := range slices.Sorted(maps.Keys(j.claims)) {
		if slices.Contains([]string{"aud", "sub", "iss", "client_id", "azp", "jti", "name"}, claim) {
			continue
		}
		for _, found := range namesIn("/"+escape(claim), j.claims[claim], 0) {
			switch {
			case found.name == name:
				return found.place, name
			case loose == "" && strings.EqualFold(strings.Trim(found.name, "/"), name):
				loose, looseName = found.place, found.name
			}
		}
	}
	return loose, looseName
}

type foundName struct{ place, name string }

// maxNesting bounds the search for a name.
const maxNesting = 4

// namesIn lists the names in a claim, at most maxNesting deep.
func namesIn(place string, value strictjson.Value, depth int) []foundName {
	var list []foundName
	switch value.Kind() {
	case '"':
		for _, word := range strings.Fields(textOf(value)) {
			list = append(list, foundName{place, word})
		}
	case '[':
		_ = strictjson.Array(value, func(v strictjson.Value) error {
			list = append(list, foundName{place, textOf(v)})
			return nil
		})
	case '{':
		if depth == maxNesting {
			return nil
		}
		_ = strictjson.Object(value, func(name []byte, v strictjson.Value) error {
			list = append(list, foundName{place, string(name)})
			list = append(list, namesIn(place+"/"+escape(string(name)), v, depth+1)...)
			return nil
		})
	}
	return list
}

// escape escapes a name for a JSON pointer (RFC 6901, Section 3).
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
