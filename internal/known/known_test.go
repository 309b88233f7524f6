package known_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/internal/known"
)

func TestTable(t *testing.T) {
	var table known.Table[int]
	if table.Find("") != nil || (*known.Table[int])(nil).Find("a") != nil {
		t.Error("found in an empty table")
	}
	table.Keep("a", 1)
	table.Keep("a", 2)
	table.Keep("", 3)
	if a, none := table.Find("a"), table.Find(""); a == nil || *a != 1 || none == nil || *none != 3 || table.Find("b") != nil {
		t.Errorf("found %v and %v", a, none)
	}
	long := strings.Repeat("a", 1<<10)
	table.Keep(long, 4)
	table.Keep(long+"a", 5)
	if table.Find(long) == nil || table.Find(long+"a") != nil {
		t.Error("want exactly the texts of at most 1 KiB")
	}
}

// Part 2.4: the table stays bounded, whatever is added, and each text keeps its
// own value.
func TestFlood(t *testing.T) {
	var table known.Table[int]
	const flood = 20_000
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for n := worker; n < flood; n += 4 {
				table.Keep(strconv.Itoa(n), n)
				if value := table.Find(strconv.Itoa(n / 2)); value != nil && *value != n/2 {
					t.Errorf("%d has the value %d", n/2, *value)
				}
			}
		})
	}
	wait.Wait()
	count := 0
	for n := range flood {
		if table.Find(strconv.Itoa(n)) != nil {
			count++
		}
	}
	if count != 128 {
		t.Errorf("%d texts are known", count)
	}
}
