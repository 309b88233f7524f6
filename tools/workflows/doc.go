// Package workflows has tests of the workflows and the settings for GitHub, in
// .github.
package workflows
