package main

import (
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of rein and of the libraries it is built with",
		Example: "  rein version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintf(a.out, "rein %s %s/%s %s\n", buildVersion(), runtime.GOOS, runtime.GOARCH, runtime.Version())
			v := versions()
			w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
			for _, k := range slices.Sorted(maps.Keys(v)) {
				fmt.Fprintf(w, "%s\t%s\n", k, v[k])
			}
			return w.Flush()
		},
	}
}

// buildVersion is the module's version, with the commit where the build knows it.
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
