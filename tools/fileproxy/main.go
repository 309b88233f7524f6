// Fileproxy writes the committed state of every module of the repository into a
// module proxy in a folder, so that a test can install them like a user:
//
//	fileproxy REPOSITORY FOLDER VERSION
//
// It prints the path of each module. All modules get the same version.
package main

import (
	"fmt"
	"os"

	"github.com/bearerkit/bearerkit/tools/internal/modules"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: fileproxy REPOSITORY FOLDER VERSION")
		os.Exit(2)
	}
	all, err := modules.List(os.Args[1])
	if err == nil {
		err = modules.Proxy(os.Args[1], os.Args[2], os.Args[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fileproxy:", err)
		os.Exit(1)
	}
	for _, m := range all {
		fmt.Println(m.Path())
	}
}
