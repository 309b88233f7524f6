package main

import "strings"

// answers is a set of answers.
type answers uint8

// The answers that an API may give.
const (
	admitted  answers = 1 << iota // 200
	refused                       // 401
	forbidden                     // 403
	tooLong                       // 431
	later                         // 503
	none                          // the connection broke or was refused
	other                         // anything else, which is always wrong
)

var answerNames = []string{"200", "401", "403", "431", "503", "no answer", "another answer"}

// answerOf returns the answer with a status.
func answerOf(status int) answers {
	switch status {
	case 200:
		return admitted
	case 401:
		return refused
	case 403:
		return forbidden
	case 431:
		return tooLong
	case 503:
		return later
	}
	return other
}

// String lists the answers.
func (a answers) String() string {
	var names []string
	for i, name := range answerNames {
		if a&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}
