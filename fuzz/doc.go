// Package fuzz holds fuzz targets that cross the boundaries of packages and
// modules: from the bytes of a request to the bytes of the answer, on each
// framework, and our reading of tokens and answers against other libraries. It
// exports nothing.
package fuzz
