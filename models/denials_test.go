package models_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/models"
)

// denialNames are the values of all kinds, so that a list that confuses the kinds
// fails. Some are long, since lists store these differently.
var denialNames = []string{"a", "b", strings.Repeat("long", 40), strings.Repeat("long", 40) + "er"}

var denialIssuers = []string{"https://one.example.com", "https://two.example.com"}

func drawDenialKey(t *rapid.T) models.DenialKey {
	return models.DenialKey{
		Kind:   rapid.SampledFrom([]string{"jti", "sub", "client_id", "sid"}).Draw(t, "kind"),
		Issuer: rapid.SampledFrom(denialIssuers).Draw(t, "issuer"),
		Value:  rapid.SampledFrom(denialNames).Draw(t, "value"),
	}
}

// drawNear draws a time near now.
func drawNear(t *rapid.T, label string) time.Time {
	return time.Now().Add(time.Duration(rapid.IntRange(-40, 240).Draw(t, label)) * 250 * time.Millisecond)
}

func drawDenial(t *rapid.T) models.Denial {
	d := models.Denial{Until: drawNear(t, "until")}
	if rapid.Bool().Draw(t, "limited") {
		d.Before = drawNear(t, "before")
	}
	return d
}

func entryOf(key models.DenialKey, d models.Denial) denylist.Entry {
	e := denylist.Entry{Issuer: key.Issuer, IssuedBefore: d.Before, Until: d.Until}
	switch key.Kind {
	case "jti":
		e.TokenID = key.Value
	case "sub":
		e.Subject = key.Value
	case "client_id":
		e.ClientID = key.Value
	case "sid":
		e.SessionID = key.Value
	}
	return e
}

// drawBearer draws a token's principal and the keys that would deny the token.
func drawBearer(t *rapid.T) (p bearer.Principal, keys []models.DenialKey) {
	p.Issuer = rapid.SampledFrom(denialIssuers).Draw(t, "issuer")
	if rapid.Bool().Draw(t, "iat") {
		p.IssuedAt = drawNear(t, "issued")
	}
	for _, claim := range []struct {
		kind  string
		value *string
	}{{"jti", &p.TokenID}, {"sub", &p.Subject}, {"client_id", &p.ClientID}, {"sid", &p.SessionID}} {
		if *claim.value = rapid.SampledFrom(append([]string{""}, denialNames...)).Draw(t, claim.kind); *claim.value != "" {
			keys = append(keys, models.DenialKey{Kind: claim.kind, Issuer: p.Issuer, Value: *claim.value})
		}
	}
	return p, keys
}

// denialOperation draws an operation on a list. The returned function performs it,
// and returns its text and the same operation on the model.
func denialOperation(t *rapid.T) func(denylist.List) (text string, explain func(*models.Denials) bool) {
	ctx, key := t.Context(), drawDenialKey(t)
	switch kind := rapid.SampledFrom([]string{"deny", "lift", "denied"}).Draw(t, "operation"); kind {
	case "deny":
		d := drawDenial(t)
		return func(list denylist.List) (string, func(*models.Denials) bool) {
			err := list.Deny(ctx, entryOf(key, d))
			full := errors.Is(err, denylist.ErrFull)
			return fmt.Sprintf("deny %v %v: %v", key, d, err), func(m *models.Denials) bool {
				return (err == nil || full) && m.Deny(time.Now(), key, d, full)
			}
		}
	case "lift":
		return func(list denylist.List) (string, func(*models.Denials) bool) {
			err := list.Lift(ctx, entryOf(key, models.Denial{}))
			return fmt.Sprintf("lift %v: %v", key, err), func(m *models.Denials) bool { return err == nil && m.Lift(key) }
		}
	default:
		p, keys := drawBearer(t)
		return func(list denylist.List) (string, func(*models.Denials) bool) {
			denied, err := list.Denied(ctx, &p)
			return fmt.Sprintf("denied %v of %v: %t, %v", keys, p.IssuedAt, denied, err), func(m *models.Denials) bool {
				return err == nil && denied == m.Denied(time.Now(), keys, p.IssuedAt)
			}
		}
	}
}

// A denylist.Memory denies what its entries say, keeps its bound, and never evicts
// an entry that counts.
func TestDenials(t *testing.T) {
	check(t, denials(func(l denylist.List) denylist.List { return l }))
}

// denials compares what wrap makes of a list with the model.
func denials(wrap func(denylist.List) denylist.List) machine {
	return bubbled(func(t *rapid.T, concurrent bool) {
		leeway := rapid.SampledFrom([]time.Duration{-1, 0, time.Second, denylist.MaxLeeway}).Draw(t, "leeway")
		model := &models.Denials{Capacity: rapid.IntRange(1, 6).Draw(t, "capacity"), Leeway: max(leeway, 0)}
		if leeway == 0 {
			model.Leeway = 5 * time.Second
		}
		real, err := denylist.NewMemory(denylist.MemoryConfig{Capacity: model.Capacity, Leeway: leeway})
		if err != nil {
			t.Fatal(err)
		}
		list := wrap(real)
		world := models.Possible[*models.Denials]{model}
		operations := map[string]func(*rapid.T){
			"elapse": func(t *rapid.T) { elapse(drawStep(t, 10*time.Minute)) },
			"one": func(t *rapid.T) {
				text, explain := denialOperation(t)(list)
				if world = world.After(explain); len(world) == 0 {
					t.Fatal(text)
				}
			},
		}
		if concurrent {
			operations["together"] = func(t *rapid.T) {
				n := rapid.IntRange(2, 4).Draw(t, "n")
				calls := make([]func(denylist.List) (string, func(*models.Denials) bool), n)
				for i := range calls {
					calls[i] = denialOperation(t)
				}
				texts, operations := make([]string, n), make([]func(*models.Denials) bool, n)
				together(n, func(i int) { texts[i], operations[i] = calls[i](list) })
				if world = world.AfterAll(operations); len(world) == 0 {
					slices.Sort(texts) // the order of the calls is not repeatable
					t.Fatalf("no order explains these answers:\n%s", strings.Join(texts, "\n"))
				}
			}
		}
		t.Repeat(operations)
	})
}
