package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxInput bounds what is read as a token, in bytes.
const maxInput = 1 << 20

// readToken returns the token that the user named: an argument, the file of a flag,
// or standard input for "-". It removes white space around the token and the
// scheme of an Authorization field, which people copy too. No error contains any
// of the token.
func (p *program) readToken(argument, file string) (string, error) {
	var text string
	switch {
	case argument != "" && file != "":
		return "", errors.New("a token and --token-file; want one of them")
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("--token-file: %w", err)
		}
		defer f.Close()
		if text, err = readAll(f); err != nil {
			return "", fmt.Errorf("--token-file: %w", err)
		}
	case argument == "-":
		var err error
		if text, err = readAll(p.In); err != nil {
			return "", fmt.Errorf("standard input: %w", err)
		}
	default:
		text = argument
	}
	text = strings.TrimSpace(text)
	if name, rest, ok := strings.Cut(text, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "Authorization") {
		text = strings.TrimSpace(rest)
	}
	if scheme, rest, ok := strings.Cut(text, " "); ok && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")) {
		text = strings.TrimSpace(rest)
	}
	return text, nil
}

func readAll(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxInput {
		return "", fmt.Errorf("more than %d bytes", maxInput)
	}
	return string(data), nil
}
