package bearer_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
)

// teams stands for a database: the issuer and the subject of each member, by team.
type teams map[string][][2]string

func (t teams) HasMember(_ context.Context, team, issuer, subject string) (bool, error) {
	return slices.Contains(t[team], [2]string{issuer, subject}), nil
}

var db = teams{"blue": {{"https://login.example.com", "alice"}}}

// isMember gets the value of the path parameter, the same one that the handler
// reads. If it returns an error, the answer is 503.
func isMember(ctx context.Context, p *bearer.Principal, team string) (bool, error) {
	return db.HasMember(ctx, team, p.Issuer, p.Subject)
}

// A user may only see the teams that have this user as a member.
func ExampleRelationInPath() {
	member := bearer.RelationInPath("team", isMember)
	alice := &bearer.Principal{Issuer: "https://login.example.com", Subject: "alice"}
	for _, team := range []string{"blue", "red"} {
		r := exampleRequest()
		r.SetPathValue("team", team)
		fmt.Println(team, member.Check(r, alice) == nil)
	}
	// Output:
	// blue true
	// red false
}
