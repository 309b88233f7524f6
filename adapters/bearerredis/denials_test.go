package bearerredis_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/denylist/denylisttest"
	"github.com/bearerkit/bearerkit/scope"
)

func TestDenials(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	c := newClient(t, bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second})
	if err := denylisttest.Check(t.Context(), c.Denials()); err != nil {
		t.Error(err)
	}
}

var (
	aliceToken = &bearer.Principal{Issuer: "https://login.example.com", Subject: "alice", TokenID: "secret-jti", ClientID: "shop", IssuedAt: time.Now()}
	aliceEntry = denylist.Entry{Issuer: "https://login.example.com", Subject: "alice"}
)

// What one instance denies all of them do within a second, and nobody reads in
// Redis who it is.
func TestDenialsAreShared(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	config := bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second}
	first := newClient(t, config)
	one, two := first.Denials(), newClient(t, config).Denials()
	if first.Denials() != one {
		t.Error("a cache has two lists")
	}
	config.Prefix = "other:"
	other := newClient(t, config).Denials()
	denied := func(list *bearerredis.Denials) bool {
		denied, err := list.Denied(t.Context(), aliceToken)
		return denied && err == nil
	}
	entry := aliceEntry
	entry.Until = time.Now().Add(time.Hour)
	if err := one.Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	if !denied(one) {
		t.Error("who denies does not know of it")
	}
	eventually(t, time.Second, "the other instance knows", func() bool { return denied(two) })
	if denied(other) {
		t.Error("so does a program of another prefix")
	}
	// One that comes later learns all there is.
	if late := newClient(t, bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second}).Denials(); !denied(late) {
		t.Error("an instance that starts now does not know")
	}

	db := admin(t, server)
	for _, key := range db.Keys(t.Context(), "*").Val() {
		if ttl := db.PTTL(t.Context(), key).Val(); !strings.HasPrefix(key, "bearerkit:denied") || ttl > time.Hour+6*time.Second || ttl < 59*time.Minute {
			t.Errorf("%s lives %v", key, ttl)
		}
	}
	for name, value := range db.HGetAll(t.Context(), "bearerkit:denied").Val() {
		if strings.Contains(name+value, "alice") || len(name) != 43 {
			t.Errorf("%q is %q", name, value)
		}
	}

	if err := two.Lift(t.Context(), aliceEntry); err != nil {
		t.Error(err)
	}
	if denied(two) {
		t.Error("who lifts does not know of it")
	}
	eventually(t, time.Second, "the other instance knows", func() bool { return !denied(one) })
}

// Reports G2: Redis keeps an entry's times with the leeway added, so that each
// instance spares only tokens that were issued after the leeway.
func TestLeewayOfDenials(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	config := bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second}
	now := time.Now().Truncate(time.Second)
	entry := aliceEntry
	entry.IssuedBefore, entry.Until = now, now.Add(time.Hour)
	if err := newClient(t, config).Denials().Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	config.DenialsLeeway = -1 // the leeway of the instance that denies decides
	list := newClient(t, config).Denials()
	for _, tt := range []struct {
		issued time.Time
		denied bool
	}{
		{now.Add(2500 * time.Millisecond), true},
		{now.Add(5 * time.Second), true},
		{now.Add(6 * time.Second), false},
		{time.Time{}, true},
	} {
		p := *aliceToken
		p.IssuedAt = tt.issued
		if denied, err := list.Denied(t.Context(), &p); denied != tt.denied || err != nil {
			t.Errorf("issued at %v: denied %t, %v; want %t", tt.issued, denied, err, tt.denied)
		}
	}
}

// Many entries come in pages; what has ended makes room in Redis.
func TestManyDenials(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	config := bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second, DenialsLeeway: -1}
	list := newClient(t, config).Denials()
	const n = 1700
	entry := func(i int) denylist.Entry {
		e := denylist.Entry{Issuer: "i", TokenID: strconv.Itoa(i), Until: time.Now().Add(time.Hour)}
		if i < 700 {
			e.Until = time.Now().Add(time.Second)
		}
		return e
	}
	for i := range n {
		if err := list.Deny(t.Context(), entry(i)); err != nil {
			t.Fatal(err)
		}
	}
	late := newClient(t, config).Denials()
	for i := 700; i < n; i++ {
		if denied, err := late.Denied(t.Context(), &bearer.Principal{Issuer: "i", TokenID: strconv.Itoa(i)}); !denied || err != nil {
			t.Fatalf("%d: %t, %v", i, denied, err)
		}
	}
	db := admin(t, server)
	eventually(t, 10*time.Second, "what has ended is gone", func() bool {
		if err := list.Deny(t.Context(), entry(n)); err != nil {
			t.Error(err)
		}
		left := db.HLen(t.Context(), "bearerkit:denied").Val()
		return left == n-700+1 && db.ZCard(t.Context(), "bearerkit:denied:log").Val() == left && db.ZCard(t.Context(), "bearerkit:denied:until").Val() == left
	})
}

// A Redis that has lost the list lifts nothing that is known, and new entries
// are heard of all the same.
func TestRedisForgetsDenials(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	config := bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second}
	one, two := newClient(t, config).Denials(), newClient(t, config).Denials()
	entry := aliceEntry
	entry.Until = time.Now().Add(time.Hour)
	bob := denylist.Entry{Issuer: entry.Issuer, Subject: "bob", Until: entry.Until}
	if err := one.Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	denied := func(list *bearerredis.Denials, subject string) bool {
		denied, err := list.Denied(t.Context(), &bearer.Principal{Issuer: entry.Issuer, Subject: subject})
		return denied && err == nil
	}
	eventually(t, 5*time.Second, "both know", func() bool { return denied(two, "alice") })
	admin(t, server).FlushAll(t.Context())
	if err := one.Deny(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "both know of bob", func() bool { return denied(two, "bob") })
	if !denied(one, "alice") || !denied(two, "alice") {
		t.Error("alice was let off")
	}
}

// What Redis has in place of a list is told to the log, and not taken for an
// empty one.
func TestDenialsThatAreNoList(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, version, score, entry string }{
		{"a version that is none", "9000000000000", "1", "9000000000000 *"},
		{"an entry that is none", "9000000000000 epoch", "1", "soon *"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.New(t, redistest.Config{})
			db, name := admin(t, server), strings.Repeat("A", 43)
			db.HSet(t.Context(), "bearerkit:denied", name, tt.entry)
			db.ZAdd(t.Context(), "bearerkit:denied:log", redis.Z{Score: 1, Member: name})
			db.Set(t.Context(), "bearerkit:denied:version", tt.version, 0)
			log := &logBuffer{}
			list := newClient(t, bearerredis.Config{Address: server.Address(), DenialsMaxStale: 2 * time.Second, Logger: log.logger()}).Denials()
			eventually(t, 10*time.Second, "nobody can tell", func() bool {
				_, err := list.Denied(t.Context(), aliceToken)
				return err != nil
			})
			if got := strings.Count(log.String(), "the deny list in Redis cannot be read"); got != 1 {
				t.Errorf("the log says so %d times: %s", got, log)
			}
			if err := db.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			eventually(t, 5*time.Second, "the list is empty", func() bool {
				denied, err := list.Denied(t.Context(), aliceToken)
				return !denied && err == nil
			})
			eventually(t, 5*time.Second, "the log says so", func() bool { return strings.Contains(log.String(), "the deny list in Redis can be read again") })
		})
	}
}

// Who was denied before Redis lost the list can be lifted, for all.
func TestLiftWhatRedisForgot(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	config := bearerredis.Config{Address: server.Address()}
	one, two := newClient(t, config).Denials(), newClient(t, config).Denials()
	entry := aliceEntry
	entry.Until = time.Now().Add(time.Hour)
	if err := one.Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	denied := func() bool {
		denied, err := two.Denied(t.Context(), aliceToken)
		return denied && err == nil
	}
	eventually(t, 5*time.Second, "the other knows", denied)
	admin(t, server).FlushAll(t.Context())
	if err := one.Lift(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "the other knows that it was lifted", func() bool { return !denied() })
}

// The name of what was lifted is kept for an hour, however short the next entry
// lives, so that an instance which was cut off meanwhile hears of it.
func TestLiftedNamesOutliveShortEntries(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	list := newClient(t, bearerredis.Config{Address: server.Address()}).Denials()
	entry := aliceEntry
	entry.Until = time.Now().Add(time.Minute)
	short := denylist.Entry{Issuer: entry.Issuer, Subject: "bob", Until: time.Now().Add(10 * time.Second)}
	for _, err := range []error{list.Deny(t.Context(), entry), list.Lift(t.Context(), entry), list.Deny(t.Context(), short)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	db := admin(t, server)
	for _, name := range []string{"", ":until", ":log", ":version"} {
		if ttl := db.PTTL(t.Context(), "bearerkit:denied"+name).Val(); ttl < 59*time.Minute {
			t.Errorf("%q lives %v", name, ttl)
		}
	}
}

// An entry that has ended strengthens none that comes later, also while so many
// have ended that Redis still has it.
func TestWhatHasEndedStrengthensNothing(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	list := newClient(t, bearerredis.Config{Address: server.Address(), DenialsLeeway: -1}).Denials()
	// Redis keeps the list for one entry that goes on.
	if err := list.Deny(t.Context(), denylist.Entry{Issuer: "i", Subject: "s", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	ends := time.Now().Add(time.Second)
	for i := range 120 {
		if err := list.Deny(t.Context(), denylist.Entry{Issuer: "i", TokenID: strconv.Itoa(i), Until: ends}); err != nil {
			t.Fatal(err)
		}
	}
	entry := aliceEntry
	entry.Until = ends.Add(10 * time.Millisecond) // the last to make room
	if err := list.Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	p := *aliceToken
	p.IssuedAt = time.Now().Add(-time.Minute)
	eventually(t, 5*time.Second, "all has ended", func() bool {
		denied, err := list.Denied(t.Context(), &p)
		return !denied && err == nil && time.Since(entry.Until) > 10*time.Millisecond
	})
	entry.Until, entry.IssuedBefore = time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	if err := list.Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	if denied, err := newClient(t, bearerredis.Config{Address: server.Address()}).Denials().Denied(t.Context(), &p); denied || err != nil {
		t.Errorf("a token of a later sign-in: %t, %v", denied, err)
	}
}

// A ban for ever is one, also where numbers end.
func TestDenyForEver(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	config := bearerredis.Config{Address: server.Address()}
	entry := aliceEntry
	entry.Until = time.Unix(1<<55, 0)
	if err := newClient(t, config).Denials().Deny(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	if denied, err := newClient(t, config).Denials().Denied(t.Context(), aliceToken); !denied || err != nil {
		t.Errorf("%t, %v", denied, err)
	}
}

// A Redis that is lost stops nobody for a while: who is denied stays so, nobody
// can be denied meanwhile, and after DenialsMaxStale it is 503 with Retry-After
// and no challenge (C7).
func TestDenialsOutOfReach(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{Durable: true})
	c := newClient(t, bearerredis.Config{Address: server.Address(), DenialsMaxStale: 2 * time.Second})
	bob := *aliceToken
	bob.Subject, bob.TokenID = "bob", "2"
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{"alice": *aliceToken, "bob": bob}},
		DenyList:  c.Denials(),
	})
	if err != nil {
		t.Fatal(err)
	}
	rt := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	ask := func(token string) *http.Response {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if _, ok := rt.Admit(w, r); ok {
			w.WriteHeader(http.StatusNoContent)
		}
		return w.Result()
	}
	refused := func(got *http.Response) bool {
		return got.StatusCode == http.StatusUnauthorized &&
			got.Header.Get("WWW-Authenticate") == `Bearer realm="api", error="invalid_token", error_description="The access token is invalid."`
	}
	entry := aliceEntry
	entry.Until = time.Now().Add(time.Hour)
	eventually(t, 5*time.Second, "denied", func() bool { return c.Denials().Deny(t.Context(), entry) == nil })
	if got := ask("alice"); !refused(got) {
		t.Errorf("alice: %d %v", got.StatusCode, got.Header)
	}

	lost := time.Now()
	server.Stop()
	for time.Since(lost) < 700*time.Millisecond {
		if got := ask("alice"); !refused(got) {
			t.Fatalf("alice, while Redis is lost: %d %v", got.StatusCode, got.Header)
		}
		if got := ask("bob"); got.StatusCode != http.StatusNoContent {
			t.Fatalf("bob, while Redis is lost: %d", got.StatusCode)
		}
	}
	if err := c.Denials().Deny(t.Context(), denylist.Entry{Issuer: "i", Subject: "s", Until: time.Now().Add(time.Hour)}); err == nil {
		t.Error("Deny while Redis is lost: no error")
	}
	eventually(t, 10*time.Second, "nobody can tell", func() bool {
		got := ask("bob")
		return got.StatusCode == http.StatusServiceUnavailable && got.Header.Get("Retry-After") == "5" && got.Header["Www-Authenticate"] == nil
	})
	if got := ask("alice"); !refused(got) {
		t.Errorf("alice, whose entry is known: %d", got.StatusCode)
	}
	server.Start()
	eventually(t, 5*time.Second, "bob is in again", func() bool { return ask("bob").StatusCode == http.StatusNoContent })
	if got := ask("alice"); !refused(got) {
		t.Errorf("alice, after Redis is back: %d", got.StatusCode)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := ask("bob"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("closed: %d", got.StatusCode)
	}
	if _, err := c.Denials().Denied(t.Context(), &bob); err == nil {
		t.Error("a list of a closed cache: no error")
	}
}

// A list that nobody asked for before its cache was closed.
func TestDenialsOfAClosedCache(t *testing.T) {
	t.Parallel()
	c := newClient(t, bearerredis.Config{Address: "127.0.0.1:1"})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	entry := aliceEntry
	entry.Until = time.Now().Add(time.Hour)
	if _, err := c.Denials().Denied(t.Context(), aliceToken); err == nil {
		t.Error("Denied: no error")
	}
	if err := c.Denials().Deny(t.Context(), entry); err == nil {
		t.Error("Deny: no error")
	}
}

func BenchmarkDenied(b *testing.B) {
	server := redistest.New(b, redistest.Config{})
	list := newClient(b, bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second}).Denials()
	if err := list.Deny(b.Context(), denylist.Entry{Issuer: "i", Subject: "s", Until: time.Now().Add(time.Hour)}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if denied, err := list.Denied(b.Context(), aliceToken); denied || err != nil {
			b.Fatal(denied, err)
		}
	}
}
