package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"rein/cache"
	"rein/cache/remote"
	"rein/cache/remote/bucket"
	"rein/engine"
	"rein/pipelines/human"
	"rein/pipelines/lang"
)

// shared is a project's shared cache, in use by one command.
type shared struct {
	*remote.Remote
	app    *app
	bucket remote.Bucket
	behind *remote.Behind
}

// shared opens the project's shared cache; nil if it has none.
func (a *app) shared(ctx context.Context, store *cache.Store, p *lang.Program) (*shared, error) {
	c := p.Project.Cache
	if c == nil {
		return nil, nil
	}
	b, err := bucket.Open(ctx, c.Remote)
	if err != nil {
		return nil, configError(fmt.Errorf("%s: %w", c.Pos, err))
	}
	o := remote.Options{ReadOnly: c.ReadOnly, Timeout: c.Timeout, Report: a.notice}
	if err := useKeys(&o, c); err != nil {
		b.Close()
		return nil, err
	}
	r, err := remote.New(store, b, o)
	if err != nil {
		b.Close()
		return nil, err
	}
	return &shared{Remote: r, app: a, bucket: b}, nil
}

// signingKey is the environment variable that holds the key for signing results.
const signingKey = "REIN_SIGNING_KEY"

// useKeys sets the keys with which results are signed and checked.
func useKeys(o *remote.Options, c *lang.SharedCache) error {
	for _, text := range c.Trust {
		key, err := remote.PublicKey(text)
		if err != nil {
			return configError(fmt.Errorf("%s: trust: %q %w", c.Pos, text, err))
		}
		o.Trust = append(o.Trust, key)
	}
	text := os.Getenv(signingKey)
	if text == "" {
		return nil
	}
	key, err := remote.PrivateKey(text)
	if err != nil {
		return configError(fmt.Errorf("%s %w", signingKey, err))
	}
	o.Sign = key
	return nil
}

// cacheKeyCmd makes keys.
func (a *app) cacheKeyCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "key",
		Short: "Make a key pair with which a team signs shared results",
		Long: `key prints a new pair. The private key goes where results may be made that others believe, in REIN_SIGNING_KEY: a secret of CI,
say. The public key goes into trust = [...] of the cache block in rein.hcl. Nothing is written anywhere.

EXIT STATUS
  0  printed`,
		Example: "  rein cache key",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			public, private, err := ed25519.GenerateKey(nil)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "%s=%s\ntrust = [\"%s\"]\n", signingKey, base64.StdEncoding.EncodeToString(private.Seed()), base64.StdEncoding.EncodeToString(public))
			return err
		},
	}
}

// notice prints a line to the error stream, above a live view.
func (a *app) notice(text string) {
	a.aside(func() { fmt.Fprintln(a.err, "note: "+text) })
}

// needShared is shared for a command that needs a shared cache.
func (a *app) needShared(ctx context.Context, store *cache.Store, p *lang.Program) (*shared, error) {
	s, err := a.shared(ctx, store, p)
	if err == nil && s == nil {
		err = configError(fmt.Errorf("there is no shared cache: write cache { remote = \"s3://BUCKET/PREFIX\" } into %s beside go.mod or .git", lang.ProjectFile))
	}
	return s, err
}

// use makes a run fetch and send results through the shared cache.
func (s *shared) use(ctx context.Context, o *engine.Options) {
	if s == nil {
		return
	}
	s.behind = s.Behind(ctx)
	o.Remote = s.behind
}

// reportAfter is how long the rest is sent before that is reported.
const reportAfter = time.Second

// close sends the rest, unless it is interrupted, and reports what was shared.
func (s *shared) close() error {
	if s == nil {
		return nil
	}
	if s.behind != nil {
		said := time.AfterFunc(reportAfter, func() {
			if n := s.behind.Left(); n > 0 && !s.app.quiet {
				fmt.Fprintf(s.app.err, "sending %s to the shared cache; Ctrl-C leaves them for rein cache push\n", results(int64(n)))
			}
		})
		lost := s.behind.Drain()
		said.Stop()
		if lost > 0 {
			fmt.Fprintf(s.app.err, "note: %s were not sent to the shared cache; rein cache push sends them\n", results(int64(lost)))
		}
	}
	if c := s.Counts(); !s.app.quiet && c.Fetched+c.Sent > 0 {
		fmt.Fprintf(s.app.err, "shared cache: fetched %s (%s), sent %s (%s)\n", results(c.Fetched), human.Bytes(c.BytesFetched), results(c.Sent), human.Bytes(c.BytesSent))
	}
	return s.bucket.Close()
}

// results counts results in words.
func results(n int64) string {
	if n == 1 {
		return "1 result"
	}
	return fmt.Sprintf("%d results", n)
}
