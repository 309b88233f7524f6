package dev

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// The endpoint of triggers. Each request needs TriggerHeader with any value: a page
// in a browser can send the field only after a preflight, which this endpoint
// refuses.
const (
	TriggerPath   = "/.well-known/bearer-dev"
	TriggerHeader = "Bearer-Dev"
)

// The states of an issuer.
const (
	stateUp      = "up"
	stateDown    = "down"
	stateSlow    = "slow"
	stateGarbage = "garbage"
)

// Trigger is something to make happen.
type Trigger struct {
	Name string
	Does string // for the help
}

// Triggers are all triggers.
var Triggers = []Trigger{
	{"rotate", "new keys sign; the old ones are still published"},
	{"withdraw", "new keys sign; all older ones are withdrawn, so tokens of before are invalid"},
	{stateDown, "connections break"},
	{stateSlow, "each answer takes three seconds"},
	{stateGarbage, "answers are HTML with the status 200"},
	{stateUp, "ends down, slow and garbage"},
	{"revoke", "tokens of before are revoked; an API sees it by introspection"},
	{"logout", "users are signed out, and clients with a back-channel logout URI are told"},
}

// Command is the body of a trigger request.
type Command struct {
	Trigger string `json:"trigger"`
	Issuer  string `json:"issuer,omitempty"` // its path; empty: all issuers
	User    string `json:"user,omitempty"`   // for revoke and logout; empty: all users
}

// State is the state of an issuer, and what the last trigger did to it.
type State struct {
	Issuer   string   `json:"issuer"`
	Path     string   `json:"path"`
	State    string   `json:"state"`
	Keys     []string `json:"keys"`     // the IDs
	Tokens   int      `json:"tokens"`   // access tokens that are good
	Sessions []string `json:"sessions"` // who is signed in, a name for each session
	Clients  int      `json:"registered_clients"`
	Did      string   `json:"did,omitempty"`
}

// slowness is the pause before an answer of a slow issuer.
const slowness = 3 * time.Second

// faultOf are the faults of the states.
var faultOf = map[string]bearertest.Fault{
	stateUp:   {},
	stateDown: {Reset: true},
	stateSlow: {Delay: slowness},
	stateGarbage: {
		Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html><body>Something went wrong.</body></html>\n"),
	},
}

// trigger is the handler of the triggers: GET for the states, and POST with a
// Command.
func (s *Server) trigger() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Header.Get(TriggerHeader) == "" || r.Header.Get("Origin") != "" {
			(&refusal{http.StatusForbidden, "invalid_request", "use bearer trigger"}).write(w, r)
			return
		}
		var command Command
		if r.Method == http.MethodPost {
			if json.UnmarshalRead(http.MaxBytesReader(w, r.Body, 4<<10), &command, json.RejectUnknownMembers(true)) != nil {
				invalidRequest("POST a command as JSON").write(w, r)
				return
			}
			if refused := s.check(command); refused != nil {
				refused.write(w, r)
				return
			}
		}
		states := []State{}
		for _, i := range s.issuers {
			did := ""
			if r.Method == http.MethodPost && (command.Issuer == "" || command.Issuer == i.shownPath()) {
				var err error
				if did, err = i.obey(r, command); err != nil {
					(&refusal{http.StatusInternalServerError, "server_error", err.Error()}).write(w, r)
					return
				}
			}
			states = append(states, i.now(did))
		}
		writeJSON(w, http.StatusOK, states)
	})
}

// check returns the mistake in a command, if any.
func (s *Server) check(c Command) *refusal {
	var names, paths []string
	for _, t := range Triggers {
		names = append(names, t.Name)
	}
	for _, i := range s.issuers {
		paths = append(paths, i.shownPath())
	}
	switch {
	case !slices.Contains(names, c.Trigger):
		return invalidRequest(fmt.Sprintf("unknown trigger %q; want one of %s", c.Trigger, strings.Join(names, ", ")))
	case c.Issuer != "" && !slices.Contains(paths, c.Issuer):
		return invalidRequest(fmt.Sprintf("unknown issuer %q; want one of %s", c.Issuer, strings.Join(paths, ", ")))
	case c.User != "" && s.user(c.User) == nil:
		return invalidRequest(fmt.Sprintf("unknown user %q", c.User))
	}
	return nil
}

// shownPath is the issuer's path, a slash for the root.
func (i *issuer) shownPath() string {
	if i.config.Path == "" {
		return "/"
	}
	return i.config.Path
}

// obey does what a command says, and tells what it did.
func (i *issuer) obey(r *http.Request, c Command) (did string, err error) {
	is := func(u *User) bool { return c.User == "" || u != nil && u.Name == c.User }
	switch c.Trigger {
	case "rotate":
		return "new keys sign, and the old ones are still published", i.rotate(false)
	case "withdraw":
		return "new keys sign, and no old one is published", i.rotate(true)
	case "revoke":
		n := i.revokeAll(is)
		return fmt.Sprintf("revoked %d access tokens, and the refresh tokens with them", n), nil
	case "logout":
		var ended []*session
		for _, s := range i.sessions.all() {
			if is(s.user) && s.active() {
				ended = append(ended, s)
			}
		}
		accepted, failed := i.endAll(r.Context(), ended)
		return fmt.Sprintf("ended %d sessions; notices to clients: %d accepted, %d failed", len(ended), accepted, failed), nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.state = c.Trigger
	for _, e := range endpoints {
		i.kit.SetFault(e, faultOf[c.Trigger])
	}
	return "", nil
}

// keptKeys is how many generations of keys stay published.
const keptKeys = 3

// rotate makes new keys, and withdraws the oldest, or all old ones.
func (i *issuer) rotate(withdraw bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.generations == nil {
		ids, err := i.keyIDs()
		if err != nil {
			return err
		}
		i.generations = [][]string{ids}
	}
	var ids []string
	for _, algorithm := range []string{"RS256", "ES256", "ES384", "ES512", "EdDSA"} {
		id, err := i.kit.AddKey(algorithm)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	i.generations = append(i.generations, ids)
	for len(i.generations) > keptKeys || withdraw && len(i.generations) > 1 {
		for _, id := range i.generations[0] {
			i.kit.Withdraw(id)
		}
		i.generations = i.generations[1:]
	}
	return nil
}

// keyIDs returns the IDs of the published keys.
func (i *issuer) keyIDs() ([]string, error) {
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(i.kit.KeySet(), &set); err != nil {
		return nil, err
	}
	ids := []string{}
	for _, k := range set.Keys {
		ids = append(ids, k.ID)
	}
	return ids, nil
}

// revokeAll revokes the grants of users, and returns how many access tokens end.
func (i *issuer) revokeAll(is func(*User) bool) (n int) {
	for _, t := range i.issued.all() {
		if is(t.grant.user) && t.grant.active() && !t.id {
			n++
		}
	}
	end := func(g *grant) {
		if is(g.user) {
			g.revoked.Store(true)
		}
	}
	for _, t := range i.issued.all() {
		end(t.grant)
	}
	for _, t := range i.refreshes.all() {
		end(t.grant)
	}
	for _, c := range i.codes.all() {
		end(c.grant)
	}
	for _, d := range i.devices.all() {
		d.mu.Lock()
		if d.grant != nil {
			end(d.grant)
		}
		d.mu.Unlock()
	}
	return n
}

// now returns the state of the issuer.
func (i *issuer) now(did string) State {
	keys, _ := i.keyIDs()
	i.mu.Lock()
	s := State{Issuer: i.url, Path: i.shownPath(), State: i.state, Keys: keys, Sessions: []string{}, Did: did}
	i.mu.Unlock()
	for _, t := range i.issued.all() {
		if !t.id && t.grant.active() {
			s.Tokens++
		}
	}
	for _, one := range i.sessions.all() {
		if one.active() {
			s.Sessions = append(s.Sessions, one.user.Name)
		}
	}
	s.Clients = len(i.registered.all())
	return s
}
