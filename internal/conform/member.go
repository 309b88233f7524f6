package conform

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
)

// memberProblems compares the members of a JSON object with what is wanted.
func memberProblems(want map[string]string, body []byte) []string {
	if want == nil {
		return nil
	}
	var document map[string]any
	if err := json.Unmarshal(body, &document); err != nil || document == nil {
		return []string{"the body is not a JSON object"}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, has := document[name]
		switch text := want[name]; {
		case text == "!" && has:
			list = append(list, fmt.Sprintf("the body has %q, want none", name))
		case text == "!" || text == "*" && has && !isEmpty(value) || has && holds(value, text):
		case !has:
			list = append(list, fmt.Sprintf("the body has no %q", name))
		default:
			list = append(list, fmt.Sprintf("member %q is %s, want %q", name, clip(fmt.Sprint(value)), text))
		}
	}
	return list
}

// isEmpty reports whether a value says nothing: null, "", an empty array or object.
func isEmpty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	case map[string]any:
		return len(value) == 0
	}
	return false
}

// holds reports whether a value is text, or an array that contains it.
func holds(value any, text string) bool {
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, func(element any) bool { return fmt.Sprint(element) == text })
	}
	return fmt.Sprint(value) == text
}
