package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf16"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

// maxInput bounds what is read as a token, in bytes.
const maxInput = 1 << 20

// readToken returns the token that the user named: an argument, the file of a flag,
// or standard input for "-". It removes white space around the token and the
// scheme of an Authorization field, which people copy too. No error contains any
// of the token.
func (p *program) readToken(ctx context.Context, argument, file, flag string) (string, error) {
	var text string
	var err error
	switch {
	case argument != "" && file != "":
		return "", fmt.Errorf("a token and %s; want one of them", flag)
	case file != "":
		if text, err = readFile(ctx, file); err != nil {
			return "", fmt.Errorf("%s: %w", flag, err)
		}
	case argument == "-":
		if in, ok := p.In.(*os.File); ok && ui.IsTerminal(in) {
			_, _ = fmt.Fprintln(p.Err, "Paste the token, then press Enter and Ctrl-D:")
		}
		if text, err = readAll(ctx, p.In); err != nil {
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

func readFile(ctx context.Context, file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return readAll(ctx, f)
}

// readAll reads a text until its end. An interrupt ends it; what reads the text then
// blocks until the program ends.
func readAll(ctx context.Context, r io.Reader) (string, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
		done <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return "", unknown(errors.New("interrupted"))
	case got := <-done:
		switch {
		case got.err != nil:
			return "", got.err
		case len(got.data) > maxInput:
			return "", fmt.Errorf("more than %d bytes", maxInput)
		}
		return decodeText(got.data), nil
	}
}

// decodeText returns a text without its byte order mark. PowerShell writes files in
// UTF-16.
func decodeText(data []byte) string {
	for mark, order := range map[string]binary.ByteOrder{"\xff\xfe": binary.LittleEndian, "\xfe\xff": binary.BigEndian} {
		rest, ok := bytes.CutPrefix(data, []byte(mark))
		if !ok || len(rest)%2 != 0 {
			continue
		}
		units := make([]uint16, len(rest)/2)
		for i := range units {
			units[i] = order.Uint16(rest[2*i:])
		}
		return string(utf16.Decode(units))
	}
	return string(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
}
