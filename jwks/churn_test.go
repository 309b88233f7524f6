package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// churn is a thousand tenants, three quarters of which are customers at a time.
// Run its tests with -race.
type churn struct {
	farm   *farm
	v      *jwks.Verifier
	tokens []string // by tenant: one that is cached, while the tenant is a customer

	// turns holds an element for each call of Verify whose answer must be
	// certain, and is full while tenants come and go. Unlike a mutex, it lets the
	// clock of a bubble advance.
	turns    chan struct{}
	customer []bool
}

const (
	churnTenants = 1000
	churnRounds  = 10
	churnWorkers = 8
)

func newChurn() *churn {
	c := &churn{farm: newFarm(), turns: make(chan struct{}, churnWorkers), customer: make([]bool, churnTenants)}
	c.farm.delay = 3 * time.Millisecond
	for n := range churnTenants {
		c.tokens = append(c.tokens, c.farm.token(fmt.Sprint(n), "1"))
		c.customer[n] = n%4 != 0
	}
	return c
}

// customers returns the issuers of all customers.
func (c *churn) customers() []jwks.Issuer {
	var list []jwks.Issuer
	for n, is := range c.customer {
		if is {
			list = append(list, c.farm.issuer(fmt.Sprint(n)))
		}
	}
	return list
}

// check verifies a token of a random tenant. It retries a token that nobody can
// judge yet.
func (c *churn) check(t *testing.T) {
	c.turns <- struct{}{}
	defer func() { <-c.turns }()
	n := rand.IntN(churnTenants)
	_, err := c.v.Verify(context.Background(), c.tokens[n])
	for tries := 0; codeOf(err) == bearer.CodeUnavailable && tries < 1000; tries++ {
		elapse(time.Second)
		_, err = c.v.Verify(context.Background(), c.tokens[n])
	}
	if is := c.customer[n]; is && err != nil || !is && !errors.Is(err, bearer.ErrUnrecognized) {
		t.Errorf("tenant %d, a customer: %v: %v", n, is, err)
	}
}

// run lets tenants come and go while others have traffic. apply makes the change
// known to the verifier.
func (c *churn) run(t *testing.T, apply func() error) {
	stop := make(chan struct{})
	var traffic sync.WaitGroup
	always := func(do func()) {
		traffic.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
					do()
				}
			}
		})
	}
	for range churnWorkers {
		always(func() { c.check(t) })
		// These calls are under way while tenants come and go.
		always(func() { _, _ = c.v.Verify(context.Background(), c.tokens[rand.IntN(churnTenants)]) })
	}
	for range churnRounds {
		elapse(100 * time.Millisecond)
		for range churnWorkers {
			c.turns <- struct{}{}
		}
		for range churnTenants / 20 {
			n := rand.IntN(churnTenants)
			c.customer[n] = !c.customer[n]
		}
		if err := apply(); err != nil {
			t.Error(err)
		}
		for range churnWorkers {
			<-c.turns
		}
	}
	close(stop)
	traffic.Wait()
}

// A thousand tenants come and go by Reconfigure, with traffic on: no token of a
// removed tenant is accepted, and none of another one refused.
func TestTenantsComeAndGoByReconfigure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChurn()
		config := func() jwks.Config { return jwks.Config{Client: c.farm.client, Issuers: c.customers()} }
		c.v = newVerifier(t, config())
		c.run(t, func() error { return c.v.Reconfigure(config()) })
		if s := c.v.Stats(); s.Cache.Hits < churnTenants {
			t.Errorf("%+v: not even a thousand cached tokens came", s.Cache)
		}
	})
}

// The same by Resolve, where Reconfigure makes the verifier ask again.
func TestTenantsComeAndGoByResolve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChurn()
		tenants := newTable(c.farm)
		load := func() {
			for n, is := range c.customer {
				tenants.set(fmt.Sprint(n), is)
			}
		}
		load()
		c.v = newVerifier(t, tenants.config())
		c.run(t, func() error {
			load()
			return c.v.Reconfigure(tenants.config())
		})
	})
}
