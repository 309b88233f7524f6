// Release makes a release of every module of the repository that users import or
// install, from the last commit:
//
//	release [-out FOLDER] [-push] VERSION
//	release -rebuild [-out FOLDER] VERSION
//
// It works in a clone of its own and pushes nothing, unless -push is given. The
// same commit always gives the same commits, tags and files. With -rebuild, it
// makes the files of an existing tag again, for a comparison.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	var c config
	flag.StringVar(&c.repository, "repository", ".", "the `folder` of the repository")
	flag.StringVar(&c.out, "out", "", "the `folder` of the release's files (default: dist/VERSION in the repository)")
	flag.StringVar(&c.keep, "keep", "", "a `folder` for the clone with the commits and tags; by default, it is deleted")
	flag.StringVar(&c.sbom, "sbom", "cyclonedx-gomod", "the `program` that writes bills of materials")
	flag.StringVar(&c.modcache, "modcache", "", "the module cache for bills of materials, a `folder` (default: a temporary one)")
	flag.BoolVar(&c.push, "push", false, "push the commit and the tags to the remote origin")
	flag.BoolVar(&c.rebuild, "rebuild", false, "make the files of a released version again")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: .ci/release [-out FOLDER] [-push | -rebuild] VERSION")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	c.version = flag.Arg(0)
	if c.out == "" {
		c.out = filepath.Join(c.repository, "dist", c.version)
	}
	c.log = os.Stdout
	if err := run(c); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}
