// Package models describes the stateful parts of bearerkit by small models: the key
// source, the token cache, introspection, the deny list and the replay store. The
// tests run random sequences of operations against the real part and its model,
// and compare the answers. See CONTRIBUTING.md, "Models".
//
// A model follows the documentation and the specifications, and not the code. Where
// the documentation leaves room, the model accepts several answers: its methods
// get the answer of the real part, report whether it is right, and remember what
// the answer revealed.
package models

import (
	"reflect"
	"slices"
)

// Possible holds all states that a model may be in. There are several after
// concurrent operations whose answers do not reveal their order.
type Possible[M interface{ Clone() M }] []M

// After returns the possible states after an operation. There are none if no state
// explains the answer.
func (p Possible[M]) After(operation func(M) bool) (after Possible[M]) {
	for _, m := range p {
		next := m.Clone()
		if operation(next) && !slices.ContainsFunc(after, func(m M) bool { return reflect.DeepEqual(m, next) }) {
			after = append(after, next)
		}
	}
	return after
}

// AfterAll returns the possible states after concurrent operations. There are none
// if the answers are not linearizable: no order of the operations explains them.
func (p Possible[M]) AfterAll(operations []func(M) bool) (after Possible[M]) {
	if len(operations) == 0 {
		return p
	}
	for i, operation := range operations {
		next := p.After(operation)
		if len(next) == 0 {
			continue
		}
		for _, m := range next.AfterAll(slices.Delete(slices.Clone(operations), i, i+1)) {
			if !slices.ContainsFunc(after, func(known M) bool { return reflect.DeepEqual(known, m) }) {
				after = append(after, m)
			}
		}
	}
	return after
}
