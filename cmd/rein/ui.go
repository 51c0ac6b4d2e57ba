package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"net"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/cmd/rein/internal/ui"
	"rein/engine/record"
	"rein/pipelines/compare"
)

// uiFlags say where the page is served.
type uiFlags struct {
	load loadFlags
	addr string
	open bool
}

func (a *app) uiCmd() *cobra.Command {
	var f uiFlags
	c := &cobra.Command{
		Use:   "ui [FILE|DIR]...",
		Short: "Serve a live page: runs as they go, history, comparisons, rows, review, plans",
		Long: `ui serves a page to a browser on this machine, and prints its address. The address holds a token: anybody who has the
address can see what is in the state folder. The page follows runs of other processes, too. It runs nothing; only the
review of new rows writes, to the file that rein review writes to. Ctrl-C ends it. Without arguments it shows the pipelines of the folder "pipelines".

EXIT STATUS
  2    the command line is wrong
  3    the address can't be listened on
  130  ended by Ctrl-C`,
		Example: "  rein ui\n  rein ui --addr 127.0.0.1:7346 --open",
		RunE:    func(c *cobra.Command, args []string) error { return a.ui(c.Context(), args, &f) },
	}
	f.load.register(c)
	a.complete(c, &f.load)
	c.Flags().StringVar(&f.addr, "addr", "127.0.0.1:0", "listen on this `HOST:PORT`; port 0 takes a free one")
	c.Flags().BoolVar(&f.open, "open", false, "open it in the browser")
	return c
}

func (a *app) ui(ctx context.Context, args []string, f *uiFlags) error {
	host, _, err := net.SplitHostPort(f.addr)
	if err != nil {
		return configError(fmt.Errorf("--addr %q: want HOST:PORT, such as 127.0.0.1:7346: %w", f.addr, err))
	}
	store, err := a.store(true)
	if err != nil {
		return err
	}
	defer store.Close()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", f.addr)
	if err != nil {
		return fmt.Errorf("--addr %s: %w", f.addr, err)
	}
	token := rand.Text()
	program := thisProgram()
	s := ui.New(ui.Config{Store: store, Blobs: store, Log: log.New(a.err, "", 0), Token: token, Key: cookieKey(store), Hosts: hostNames(host),
		Compare: func(ctx context.Context, of []record.Pipeline) (*compare.Result, error) {
			return compare.Compute(ctx, compare.Input{Pipelines: of, Blobs: store, Memo: store, Program: program, Scorers: openScorer})
		},
		Files: func(context.Context) ([]string, error) {
			strategies, bases := a.pipelineFiles(args, &f.load)
			return append(strategies, bases...), nil
		},
		Read: func(file string) (string, error) { return a.readPipelineFile(args, file) },
		Plan: func(ctx context.Context, file, text string) (*ui.Plan, error) {
			return a.planOf(ctx, args, &f.load, file, text)
		},
		Reviews: func(ctx context.Context) ([]string, error) { return a.reviewFiles(ctx, args, &f.load), nil },
		Review: func(ctx context.Context, file string) (*ui.Review, error) {
			return a.reviewOf(ctx, store, &f.load, file)
		},
	})
	fmt.Fprintf(a.out, "%s\n", pageAddress(l.Addr(), token))
	if ui.Loopback(l.Addr().String()) != nil {
		fmt.Fprintf(a.err, "note: %s can be reached from other machines, and what is sent isn't encrypted: anybody who reads the traffic has the token\n", l.Addr())
	}
	if f.open {
		if err := openBrowser(ctx, pageAddress(l.Addr(), s.OneTimeToken())); err != nil {
			fmt.Fprintf(a.err, "note: no browser could be started: %v\n", err)
		}
	}
	if err := s.Serve(ctx, l); err != nil {
		return err
	}
	return &exitError{exitInterrupted, nil}
}

// cookieKey signs cookies. It is derived from the state folder's secret, if there is one yet, so that pages stay usable when rein ui is
// restarted.
func cookieKey(store *cache.Store) []byte {
	if salt, err := store.Salt(); err == nil && len(salt) > 0 {
		return salt
	}
	return []byte(rand.Text())
}

// hostNames are the names under which the page may be requested, besides addresses.
func hostNames(host string) []string {
	var out []string
	if name, err := os.Hostname(); err == nil {
		out = append(out, strings.ToLower(name))
	}
	return append(out, strings.ToLower(host))
}

// pageAddress is the URL to open. For a wildcard address it is one of this machine.
func pageAddress(addr net.Addr, token string) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	u := url.URL{Scheme: "http", Host: cmp.Or(net.JoinHostPort(host, port), addr.String()), Path: "/", RawQuery: url.Values{"token": {token}}.Encode()}
	return u.String()
}

// openBrowser has the system open an address.
func openBrowser(ctx context.Context, address string) error {
	how := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[runtime.GOOS]
	if how == nil {
		how = []string{"xdg-open"}
	}
	c := exec.CommandContext(context.WithoutCancel(ctx), how[0], append(how[1:], address)...)
	if err := c.Start(); err != nil {
		return err
	}
	go func() { _ = c.Wait() }()
	return nil
}
