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

// An entry of one instance takes effect in all within a second, and Redis does not
// reveal who is denied.
func TestDenialsAreShared(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	config := bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second}
	first := newClient(t, config)
	one, two := first.Denials(), newClient(t, config).Denials()
	if first.Denials() != one {
		t.Error("a client has two lists")
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
		t.Error("the instance that denied does not enforce the entry")
	}
	eventually(t, time.Second, "the other instance follows", func() bool { return denied(two) })
	if denied(other) {
		t.Error("a program with another prefix enforces the entry")
	}
	// An instance that starts later reads the whole list.
	if late := newClient(t, bearerredis.Config{Address: server.Address(), Timeout: 2 * time.Second}).Denials(); !denied(late) {
		t.Error("a new instance does not enforce the entry")
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
		t.Error("the instance that lifted still enforces the entry")
	}
	eventually(t, time.Second, "the other instance follows", func() bool { return !denied(one) })
}

// Reports G2: the stored times include the leeway, so an instance spares only
// tokens that were issued after it.
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

// Instances read many entries in pages, and Redis removes expired entries.
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
	eventually(t, 10*time.Second, "expired entries are removed", func() bool {
		if err := list.Deny(t.Context(), entry(n)); err != nil {
			t.Error(err)
		}
		left := db.HLen(t.Context(), "bearerkit:denied").Val()
		return left == n-700+1 && db.ZCard(t.Context(), "bearerkit:denied:log").Val() == left && db.ZCard(t.Context(), "bearerkit:denied:until").Val() == left
	})
}

// After Redis has lost the list, known entries stay in force and new entries still
// reach every instance.
func TestRedisLosesDenials(t *testing.T) {
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
	eventually(t, 5*time.Second, "both enforce it", func() bool { return denied(two, "alice") })
	admin(t, server).FlushAll(t.Context())
	if err := one.Deny(t.Context(), bob); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "both deny bob", func() bool { return denied(two, "bob") })
	if !denied(one, "alice") || !denied(two, "alice") {
		t.Error("alice is no longer denied")
	}
}

// Malformed data in place of the list is logged, and is not read as an empty list.
func TestMalformedDenyList(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, version, score, entry string }{
		{"a malformed version", "9000000000000", "1", "9000000000000 *"},
		{"a malformed entry", "9000000000000 epoch", "1", "soon *"},
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
			eventually(t, 10*time.Second, "the list counts as unavailable", func() bool {
				_, err := list.Denied(t.Context(), aliceToken)
				return err != nil
			})
			if got := strings.Count(log.String(), "the deny list in Redis cannot be read"); got != 1 {
				t.Errorf("%d warnings in the log: %s", got, log)
			}
			if err := db.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			eventually(t, 5*time.Second, "the list is empty", func() bool {
				denied, err := list.Denied(t.Context(), aliceToken)
				return !denied && err == nil
			})
			eventually(t, 5*time.Second, "the recovery is logged", func() bool { return strings.Contains(log.String(), "the deny list in Redis can be read again") })
		})
	}
}

// An entry that Redis has lost can still be lifted in every instance.
func TestLiftAnEntryThatRedisLost(t *testing.T) {
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
	eventually(t, 5*time.Second, "the other instance enforces it", denied)
	admin(t, server).FlushAll(t.Context())
	if err := one.Lift(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "the other instance lifts it", func() bool { return !denied() })
}

// Redis keeps the name of a lifted entry for an hour, even if the next entry is
// short-lived, so that an instance that was cut off still learns of it.
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

// An expired entry does not strengthen a later one, even if Redis has not yet
// removed it because too many entries have expired.
func TestExpiredEntriesDoNotCount(t *testing.T) {
	t.Parallel()
	server := redistest.New(t, redistest.Config{})
	list := newClient(t, bearerredis.Config{Address: server.Address(), DenialsLeeway: -1}).Denials()
	// This entry outlives the others and keeps the list in Redis.
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
	eventually(t, 5*time.Second, "all entries have expired", func() bool {
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

// A permanent entry stays in force even if its time exceeds the largest number.
func TestDenyPermanently(t *testing.T) {
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

// While Redis is unavailable, known entries stay in force, other tokens are
// accepted and Deny fails. After DenialsMaxStale the answer is 503 with Retry-After
// and no challenge (C7).
func TestDenialsDuringAnOutage(t *testing.T) {
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
			t.Fatalf("alice, while Redis is down: %d %v", got.StatusCode, got.Header)
		}
		if got := ask("bob"); got.StatusCode != http.StatusNoContent {
			t.Fatalf("bob, while Redis is down: %d", got.StatusCode)
		}
	}
	if err := c.Denials().Deny(t.Context(), denylist.Entry{Issuer: "i", Subject: "s", Until: time.Now().Add(time.Hour)}); err == nil {
		t.Error("Deny while Redis is down: no error")
	}
	eventually(t, 10*time.Second, "the list counts as unavailable", func() bool {
		got := ask("bob")
		return got.StatusCode == http.StatusServiceUnavailable && got.Header.Get("Retry-After") == "5" && got.Header["Www-Authenticate"] == nil
	})
	if got := ask("alice"); !refused(got) {
		t.Errorf("alice, whose entry is known: %d", got.StatusCode)
	}
	server.Start()
	eventually(t, 5*time.Second, "bob is accepted again", func() bool { return ask("bob").StatusCode == http.StatusNoContent })
	if got := ask("alice"); !refused(got) {
		t.Errorf("alice, after Redis is up again: %d", got.StatusCode)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := ask("bob"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("closed: %d", got.StatusCode)
	}
	if _, err := c.Denials().Denied(t.Context(), &bob); err == nil {
		t.Error("Denied of a closed client: no error")
	}
}

// The first call of Denials comes after Close.
func TestDenialsOfAClosedClient(t *testing.T) {
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
