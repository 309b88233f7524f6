package claims

import (
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// PastAuthTime returns p. If p.AuthTime lies further in the future than leeway
// allows, it returns a copy of p without the AuthTime, since nobody can have
// authenticated then. A rule that needs auth_time then fails closed, and no
// other rule fails.
func PastAuthTime(now time.Time, p *bearer.Principal, leeway time.Duration) *bearer.Principal {
	if !now.Before(p.AuthTime.Add(-leeway)) {
		return p
	}
	without := *p
	without.AuthTime = time.Time{}
	return &without
}
