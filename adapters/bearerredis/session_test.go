package bearerredis_test

import (
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/denylist"
)

// The names of entries in Redis never change: instances of an older and of a
// newer version share one list during an update.
func TestNamesOfEntries(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	client := newClient(t, bearerredis.Config{Address: server.Address()})
	const issuer = "https://login.example.com"
	tests := []struct {
		entry denylist.Entry
		name  string // SHA-256 of the kind, the issuer's length, the issuer and the value
	}{
		{denylist.Entry{TokenID: "t-1"}, "1nwDrMuBvE35n-8gwIHNmFfYqKFXm9fbQbc8j-BukGI"},
		{denylist.Entry{Subject: "alice"}, "snB_3iBitDFd_qFrZlxL_7q1kLdO0C2Mn8KHOdMbwW4"},
		{denylist.Entry{ClientID: "shop"}, "ZcZ-cR8is-mml4MMLC-R2iyBJCOPjz7bY1onX0Q_PH4"},
		{denylist.Entry{SessionID: "s-1"}, "OP2H6sY07TBlDD_N1HGrdVmejAJoF4QI8UBShJEXcTw"},
	}
	for _, tt := range tests {
		tt.entry.Issuer, tt.entry.Until = issuer, time.Now().Add(time.Hour)
		if err := client.Denials().Deny(t.Context(), tt.entry); err != nil {
			t.Fatal(err)
		}
		if known, err := admin(t, server).HExists(t.Context(), "bearerkit:denied", tt.name).Result(); !known || err != nil {
			t.Errorf("%+v: Redis has no entry %s (%v)", tt.entry, tt.name, err)
		}
	}
}
