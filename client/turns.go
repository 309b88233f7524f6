package client

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"golang.org/x/oauth2"
)

// turns lets one token request run at a time. A caller can give up, and the request
// goes on. A channel holds an element while a request runs.
type turns chan struct{}

func newTurns() turns { return make(turns, 1) }

// run waits for its turn, and calls request in a goroutine of its own. A panic there
// would end the program, where one in a handler only ends the request, so it becomes an
// error.
func (t turns) run(ctx context.Context, request func() (*oauth2.Token, error)) (*oauth2.Token, error) {
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	type answer struct {
		token *oauth2.Token
		err   error
	}
	answers := make(chan answer, 1)
	go func() { // ends with the request
		defer func() { <-t }()
		defer func() {
			if r := recover(); r != nil {
				stack := errors.New(string(debug.Stack()))
				answers <- answer{err: &sourceError{remedy: FixRequest, text: fmt.Sprintf("the token source panicked with a %T", r), err: stack}}
			}
		}()
		token, err := request()
		answers <- answer{token, err}
	}()
	select {
	case a := <-answers:
		return a.token, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
