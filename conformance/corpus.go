// Package conformance is a corpus of requests for testing resource servers of OAuth
// 2.0: what an API must do with each request, what it should do, and which section
// says so. It is data and has no dependencies. Package bearertest and the command
// bearer conform run it; README.md describes the format for other runners.
package conformance

import (
	"embed"
	"io/fs"
)

//go:embed *.json
var corpus embed.FS

// Corpus returns the files of the corpus: JSON, one file for each topic.
func Corpus() fs.FS { return corpus }
