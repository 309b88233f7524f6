package conform

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"
)

// The elements of JUnit XML that build servers read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Started  string      `xml:"timestamp,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		Time    string      `xml:"time,attr"`
		Failure *junitText  `xml:"failure"`
		Error   *junitText  `xml:"error"`
		Skipped *junitText  `xml:"skipped"`
		Output  *junitChars `xml:"system-out"`
	}
	junitText struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
	junitChars struct {
		Text string `xml:",chardata"`
	}
)

// JUnit writes the report as JUnit XML: a suite for each level. A known deviation
// counts as skipped, and an advice is the output of a passed case.
func (r *Report) JUnit(w io.Writer) error {
	document := junitSuites{
		Name: "bearer conform " + r.URL, Tests: r.All.Run() + r.All.Skipped, Failures: r.All.Fail, Errors: r.All.Unknown,
		Skipped: r.All.Skipped + r.All.Known, Time: junitTime(r.Seconds),
	}
	for _, level := range r.Levels {
		suite := junitSuite{
			Name: level.Title, Tests: level.Run() + level.Skipped, Failures: level.Fail, Errors: level.Unknown, Skipped: level.Skipped + level.Known,
			Started: r.Started.Format("2006-01-02T15:04:05"), // the schema has no zone
		}
		took := 0.0
		for _, c := range r.Cases {
			if c.Level == level.Level {
				suite.Cases = append(suite.Cases, c.junit())
				took += c.Seconds
			}
		}
		suite.Time = junitTime(took)
		if suite.Tests > 0 {
			document.Suites = append(document.Suites, suite)
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitTime(seconds float64) string { return strconv.FormatFloat(seconds, 'f', 3, 64) }

func (c Case) junit() junitCase {
	j := junitCase{Class: "conformance." + c.Level, Name: c.Name, Time: junitTime(c.Seconds)}
	text := strings.Join([]string{c.Does, "Source: " + c.Sections(), c.Why, c.Request, c.Answer}, "\n\n")
	switch c.Verdict {
	case "fail":
		j.Failure = &junitText{c.Wrong(), "requirement", text}
	case "unknown":
		j.Error = &junitText{c.Because, "not judged", text}
	case "skipped", "known":
		j.Skipped = &junitText{Message: c.Because}
	case "advice":
		j.Output = &junitChars{c.Wrong() + " (" + c.Sections() + ")"}
	}
	return j
}
