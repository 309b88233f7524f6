package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"

	"github.com/bearerkit/bearerkit/tools/internal/modules"
)

// billName names the bill of materials of a module, such as cmd-bearer.cdx.json.
func billName(m modules.Module) string {
	if m.Dir == "." {
		return "bearerkit.cdx.json"
	}
	return strings.ReplaceAll(m.Dir, "/", "-") + ".cdx.json"
}

// bills returns the bill of materials of each released module in CycloneDX. The
// tool sees the modules as a user does, in a module proxy. It reads the version
// from the tag of the root.
func (r *release) bills() (map[string][]byte, error) {
	temp, err := os.MkdirTemp("", "bills")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	proxy := filepath.Join(temp, "proxy")
	if err := modules.Proxy(r.clone.dir, proxy, r.version); err != nil {
		return nil, err
	}
	local, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		return nil, err
	}
	cache, upstream, _ := strings.Cut(strings.TrimSpace(string(local)), "\n")
	modcache := r.modcache
	if modcache == "" {
		modcache = filepath.Join(temp, "cache")
	}
	env := append(os.Environ(), "GOWORK=off", "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0",
		"GOFLAGS=-mod=readonly -modcacherw", "GOMODCACHE="+modcache,
		"GONOSUMDB=github.com/bearerkit/*", "GOPROXY=file://"+proxy+",file://"+cache+"/cache/download,"+upstream)
	bills := map[string][]byte{}
	for _, m := range r.released {
		cmd := exec.Command(r.sbom, "mod", "-json", "-noserial", "-notimestamp", "-type", "library",
			"-output-version", "1.6", filepath.Join(r.clone.dir, m.Dir))
		cmd.Env = env
		var mistakes bytes.Buffer
		cmd.Stderr = &mistakes
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("bill of materials of %s: %w\n%s", m.Path(), err, mistakes.String())
		}
		if bills[billName(m)], err = r.portable(out, m); err != nil {
			return nil, fmt.Errorf("bill of materials of %s: %w", m.Path(), err)
		}
	}
	return bills, nil
}

// portable checks what a bill is about, and takes away the checksums of the tool,
// which differ from machine to machine.
func (r *release) portable(bill []byte, m modules.Module) ([]byte, error) {
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(bill), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		return nil, err
	}
	if bom.Metadata == nil || bom.Metadata.Component == nil || bom.Metadata.Tools == nil || bom.Metadata.Tools.Tools == nil {
		return nil, errors.New("the tool or the module is missing")
	}
	if about := bom.Metadata.Component; about.Name != m.Path() || about.Version != r.version {
		return nil, fmt.Errorf("it is about %s %q, want %s %q", about.Name, about.Version, m.Path(), r.version)
	}
	for i := range *bom.Metadata.Tools.Tools {
		(*bom.Metadata.Tools.Tools)[i].Hashes = nil
	}
	var out bytes.Buffer
	err := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(&bom)
	return out.Bytes(), err
}
