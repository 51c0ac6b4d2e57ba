package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"rein/cache"
)

func (a *app) versionCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version of rein and of the libraries it is built with",
		Long: `version prints what this rein was built of: its version, the Go version, and the libraries that decide what steps
compute. These are in every run's record too.

EXIT STATUS
  0  printed`,
		Example: "  rein version\n  rein version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versions()
			if a.json {
				return writeJSON(a.out, struct {
					Version   string            `json:"version"`
					Go        string            `json:"go"`
					Platform  string            `json:"platform"`
					Libraries map[string]string `json:"libraries"`
				}{buildVersion(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, v})
			}
			fmt.Fprintf(a.out, "rein %s %s/%s %s\n", buildVersion(), runtime.GOOS, runtime.GOARCH, runtime.Version())
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, k := range slices.Sorted(maps.Keys(v)) {
				fmt.Fprintf(w, "%s\t%s\n", k, v[k])
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&a.json, "json", false, "as JSON")
	return c
}

// thisProgram identifies this build of rein; "" if it can't be identified. The beginning of the program's file holds the linker's digest of
// everything it was built from. Size and time are for builds without that digest.
func thisProgram() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	begin := make([]byte, 64<<10)
	n, err := io.ReadFull(f, begin)
	info, serr := f.Stat()
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || serr != nil {
		return ""
	}
	return fmt.Sprintf("%s %d %d %s", buildVersion(), info.Size(), info.ModTime().UnixNano(), cache.Sum(begin[:n]))
}

// buildVersion is the module's version, with the commit if the build knows it.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version, revision, dirty := info.Main.Version, "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	if version == "devel" && len(revision) >= 12 {
		return version + "-" + revision[:12] + dirty
	}
	return version
}
