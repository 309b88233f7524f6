package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
)

// network has the flags of the commands that examine a server.
type network struct {
	authorities string
	timeout     time.Duration
}

func (n *network) flags(command *cobra.Command) {
	command.Flags().StringVar(&n.authorities, "cacert", "", "`file` with the certificates, in PEM, of authorities to trust besides the system's")
	command.Flags().DurationVar(&n.timeout, "timeout", 10*time.Second, "how long to wait for a connection and for an answer")
}

// client returns the client that the flags describe.
func (n *network) client() (*wire.Client, error) {
	if n.timeout <= 0 {
		return nil, errors.New("--timeout must be positive, such as 10s")
	}
	roots, err := n.roots()
	if err != nil {
		return nil, err
	}
	return wire.New(wire.Config{Timeout: n.timeout, Roots: roots}), nil
}

// roots returns the authorities to trust, or nil for the system's.
func (n *network) roots() (*x509.CertPool, error) {
	if n.authorities == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(n.authorities)
	if err != nil {
		return nil, fmt.Errorf("--cacert: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--cacert: %s has no certificate in PEM (BEGIN CERTIFICATE)", n.authorities)
	}
	return roots, nil
}

// sheet writes the text of a report. Marks are signs on a terminal and words
// elsewhere.
type sheet struct {
	io.Writer
	ui.Painter
}

func (p *program) sheet() sheet { return sheet{p.Out, ui.For(p.Out)} }

func (s sheet) line(format string, values ...any) { _, _ = fmt.Fprintf(s, format+"\n", values...) }

// mark returns the mark of a status: "ok", "fault", "warning" or "skipped".
func (s sheet) mark(status string) string {
	style, sign := ui.Faint, "–"
	switch status {
	case "ok":
		style, sign = ui.Good, "✓"
	case string(finding.Fault):
		style, sign = ui.Bad, "✗"
	case string(finding.Warning):
		style, sign = ui.Warn, "!"
	}
	if painted := s.Paint(style, sign); painted != sign {
		return painted
	}
	return fmt.Sprintf("%-8s", status)
}

// finding writes what is wrong and what to do.
func (s sheet) finding(f finding.Finding, indent string) {
	s.line("%s%s %s", indent, s.mark(string(f.Severity)), f.Text)
	indent += "    "
	s.line("%sdo: %s", indent, f.Do)
	if f.Spec != "" {
		s.line("%s%s", indent, s.Paint(ui.Faint, "see "+f.Spec+" ("+f.Code+")"))
	} else {
		s.line("%s%s", indent, s.Paint(ui.Faint, "("+f.Code+")"))
	}
}

// progress shows on a terminal what is being done. An empty text removes it.
func (p *program) progress(text string) {
	painter := ui.For(p.Err)
	if painter.Paint(ui.Faint, "x") == "x" {
		return
	}
	_, _ = fmt.Fprint(p.Err, "\r\x1b[K"+painter.Paint(ui.Faint, text))
}

// count returns "1 fault", "2 faults".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// severities returns how many faults and warnings there are, such as "1 fault, 2
// warnings", or "no fault".
func severities(findings []finding.Finding) string {
	faults, warnings := 0, 0
	for _, f := range findings {
		if f.Severity == finding.Fault {
			faults++
		} else {
			warnings++
		}
	}
	text := "no fault"
	if faults > 0 {
		text = count(faults, "fault")
	}
	if warnings > 0 {
		text += ", " + count(warnings, "warning")
	}
	return text
}

// waiting is progress, until done is called.
func (p *program) waiting(text string) (done func()) {
	p.progress(text)
	return func() { p.progress("") }
}
