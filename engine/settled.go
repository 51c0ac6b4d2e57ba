package engine

import (
	"bytes"
	"cmp"
	"context"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"rein/cache"
	"rein/cache/flat"
	"rein/engine/record"
)

// What a run that has passed leaves for the next one. As long as all that a run goes by is the same, the next one has nothing to do, and its
// record says what this one's says; Repeat (repeat.go) finds that out without the graph, its keys and the index. Two files are kept:
//
//   - The sighting: how the user's files, and the published outputs, looked, and what they were. There is one for each graph.
//   - The outcome: which results such a run finds, and the end of its record. There is one for each graph and content of the user's files,
//     so that going back to earlier content finds it, too.
//
// A run goes by: the graph (Options.Known stands for it); the content of its sources; facts of the world that its steps state as
// fingerprints; what the index holds; whether the results are in the store; and what lies where its outputs are published. Where one of
// these can't be compared, as with a remote cache or with executors, nothing is kept.

// sighting is how files looked.
type sighting struct {
	reals   []real
	sources []source
	places  []place
}

// real is a path and where it leads.
type real struct{ path, to string }

// source is what a path of the graph named.
type source struct {
	path  Path
	found []sighted
}

// sighted is one file or folder of a source.
type sighted struct {
	path, name string
	blob       cache.Blob
	glance     cache.Glance
}

// place is an output's path, as the graph has it, and what was published there.
type place struct {
	path string
	cache.Landed
}

// outcome is what a run with nothing to do finds.
type outcome struct {
	index  cache.Digest // its state
	facts  []fact
	blobs  []cache.Blob // all results
	places []place      // what must lie there
	counts [3]int       // nodes, cached ones, and units
	shared []int        // nodes whose work is another node's, by their places in the record
	note   []byte       // Options.Note; the end of the record follows in the file
}

// fact is a step's config, and the fingerprints that go with it.
type fact struct {
	typ          string
	version      int
	config       []byte
	fingerprints []string // NAME, VALUE, sorted by name
}

func (s *sighting) code(c *flat.Coder) {
	flat.List(c, &s.reals, func(r *real) { flat.Text(c, &r.path); flat.Text(c, &r.to) })
	flat.List(c, &s.sources, func(x *source) {
		flat.Text(c, &x.path.Kind)
		flat.Text(c, &x.path.Abs)
		c.Flag(&x.path.Absent)
		flat.List(c, &x.found, func(f *sighted) {
			flat.Text(c, &f.path)
			flat.Text(c, &f.name)
			f.blob.Code(c)
			f.glance.Code(c)
		})
	})
	flat.List(c, &s.places, func(p *place) { p.code(c) })
}

func (p *place) code(c *flat.Coder) {
	flat.Text(c, &p.path)
	p.Code(c)
}

func (x *outcome) code(c *flat.Coder) {
	c.Fixed(x.index[:])
	flat.List(c, &x.facts, func(f *fact) {
		flat.Text(c, &f.typ)
		flat.Number(c, &f.version)
		c.Bytes(&f.config)
		c.Texts(&f.fingerprints)
	})
	flat.List(c, &x.blobs, func(b *cache.Blob) { b.Code(c) })
	flat.List(c, &x.places, func(p *place) { p.code(c) })
	for i := range x.counts {
		flat.Number(c, &x.counts[i])
	}
	flat.List(c, &x.shared, func(i *int) { flat.Number(c, i) })
	c.Bytes(&x.note)
}

// name is the sighting's name on the shelf.
func (s *sighting) name(known cache.Digest) string {
	return cache.SumString("sighting of " + known.String()).String()
}

// outcomeName is the name of the outcome with these sources.
func (s *sighting) outcomeName(known cache.Digest) string {
	c := &flat.Coder{}
	c.Fixed(known[:])
	for _, x := range s.sources {
		flat.List(c, &x.found, func(f *sighted) {
			flat.Text(c, &f.name)
			f.blob.Code(c)
		})
	}
	return cache.SumString("outcome of " + string(c.Out)).String()
}

// settles tells whether what runs with these options find can be compared.
func (o *Options) settles() bool {
	return !o.Known.IsZero() && o.Remote == nil && o.Executor == "" && len(o.Executors) == 0 && !o.Verify && len(o.Force) == 0
}

// settle keeps what the next run will find, once the record is written. It is only an effort: where something stands in the way, the next run
// looks by itself.
func (r *runner) settle(rec *record.Run, body record.Body, written func() error) {
	if !r.options.settles() || rec.Verdict != verdictPass || r.ctx.Err() != nil {
		return
	}
	x := &outcome{}
	if !r.results(x) {
		return
	}
	index := meanwhile(func() (kept bool, err error) { // closing it takes as long as all the rest
		x.index, kept, err = r.store.Settle()
		return kept, err
	})
	defer index()
	end := meanwhile(func() ([]byte, error) { return r.endOfNext(rec, body, &x.note) })
	defer end()
	s := &sighting{}
	var ok bool
	if s.sources, ok = r.sources.sighted(); !ok || !r.landed(s) {
		return
	}
	s.follow(r.store.Dir())
	x.places = s.places
	text, err := end()
	if kept, ierr := index(); err != nil || ierr != nil || !kept {
		return
	}
	if written() == nil {
		_ = keepOutcome(r.options, s, x, text) // it may be lost
	}
}

// endOfNext is the end of the next run's record, and the note of that.
func (r *runner) endOfNext(rec *record.Run, body record.Body, note *[]byte) ([]byte, error) {
	next, changed := asNext(rec)
	if len(changed) > 0 {
		var err error
		if body, err = next.BodyLike(body, changed); err != nil {
			return nil, err
		}
	}
	if r.options.Note != nil {
		*note = r.options.Note(next)
	}
	return body.Text, nil
}

// keepOutcome writes both files, the sighting last.
func keepOutcome(o Options, s *sighting, x *outcome, body []byte) error {
	var c flat.Coder
	x.code(&c)
	if err := o.Store.Settled().Write(s.outcomeName(o.Known), c.Out, body); err != nil {
		return err
	}
	return s.keep(o)
}

func (s *sighting) keep(o Options) error {
	var c flat.Coder
	s.code(&c)
	return o.Store.Settled().Write(s.name(o.Known), c.Out)
}

// results lists what a run finds in the store. It is false if the next run may find something else.
func (r *runner) results(x *outcome) bool {
	seen := map[cache.Blob]bool{}
	told := map[string]bool{}
	for _, u := range r.work.units {
		res := &r.schedule.results[u.id]
		if !res.good() || res.key == "" || res.outputs == nil || r.schedule.hollow.opened(u) {
			return false
		}
		for _, b := range res.outputs {
			if !seen[b] {
				seen[b] = true
				x.blobs = append(x.blobs, b)
			}
		}
		if len(u.desc.Fingerprints) == 0 {
			continue
		}
		f := factOf(u.desc)
		if id := f.typ + "\n" + string(f.config); !told[id] {
			told[id] = true
			x.facts = append(x.facts, f)
		}
	}
	for i := range r.schedule.nodes {
		switch r.schedule.nodes[i].status {
		case StatusCached, StatusUnchanged, StatusRan:
			x.counts[1]++
		case StatusNotNeeded:
		default:
			return false
		}
	}
	x.counts[0], x.counts[2] = len(r.work.nodes), len(r.work.units)
	at := 0
	for _, p := range r.work.graph.Pipelines {
		for _, n := range r.work.order[p] {
			if n.unit != nil && n.unit.nodes[0] != n {
				x.shared = append(x.shared, at)
			}
			at++
		}
	}
	slices.SortFunc(x.blobs, func(a, b cache.Blob) int { return bytes.Compare(a.Digest[:], b.Digest[:]) }) // by folder
	return true
}

func factOf(d Description) fact {
	f := fact{typ: d.Type, version: d.Version, config: d.Config}
	for _, k := range slices.Sorted(maps.Keys(d.Fingerprints)) {
		f.fingerprints = append(f.fingerprints, k, d.Fingerprints[k])
	}
	return f
}

// sighted lists all that was looked for, as it looks now. It is false if something has changed since.
func (s *sources) sighted() (out []source, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, find := range s.known {
		found, err := find()
		if err != nil {
			return nil, false
		}
		x := source{path: path}
		for _, l := range found {
			g, ok := s.store.GlanceOf(l.path, l.seen, s.began)
			if !ok {
				return nil, false
			}
			x.found = append(x.found, sighted{l.path, l.name, l.blob, g})
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b source) int {
		absent := 0
		if a.path.Absent != b.path.Absent {
			if absent = 1; b.path.Absent {
				absent = -1
			}
		}
		return cmp.Or(cmp.Compare(a.path.Kind, b.path.Kind), cmp.Compare(a.path.Abs, b.path.Abs), absent)
	})
	return out, true
}

// landed lists what the run has published.
func (r *runner) landed(s *sighting) bool {
	for _, p := range r.work.graph.Pipelines {
		for _, o := range p.Outputs {
			n := r.work.nodes[o.Ref.Node]
			if n.unit == nil {
				continue
			}
			l, ok := r.store.LandedAt(o.Path, r.schedule.results[n.unit.id].outputs[o.Ref.Port])
			if !ok {
				return false
			}
			s.places = append(s.places, place{o.Path, l})
		}
	}
	return true
}

// follow notes where the folders of all files lead, and those files that are links.
func (s *sighting) follow(state string) {
	seen := map[string]bool{}
	add := func(path string) {
		if !seen[path] {
			seen[path] = true
			s.reals = append(s.reals, real{path, realPath(path)})
		}
	}
	add(state)
	for _, x := range s.sources {
		for _, f := range x.found {
			add(filepath.Dir(f.path))
			if info, err := os.Lstat(f.path); err != nil || info.Mode()&fs.ModeSymlink != 0 {
				add(f.path)
			}
		}
	}
	for _, p := range s.places {
		add(filepath.Dir(p.path))
	}
}

// asNext is a record as the next run's will be, which has nothing to do. changed are the steps that differ, counted through all pipelines.
func asNext(rec *record.Run) (next *record.Run, changed []int) {
	next = &record.Run{}
	*next = *rec
	next.Pipelines = slices.Clone(rec.Pipelines)
	at := 0
	for i := range next.Pipelines {
		p := &next.Pipelines[i]
		p.Steps = slices.Clone(p.Steps)
		for k := range p.Steps {
			s := &p.Steps[k]
			switch Status(s.Status) {
			case StatusRan, StatusUnchanged, StatusCached:
				if s.Status != string(StatusCached) || s.Reasons != nil || s.QueuedMS != 0 || s.RunMS != 0 {
					changed = append(changed, at)
				}
				s.Status, s.Reasons, s.Why, s.QueuedMS, s.RunMS = string(StatusCached), nil, nil, 0, 0
			}
			at++
		}
	}
	return next, changed
}

// still tells whether the steps' facts are as they were.
func (o *Options) still(ctx context.Context, facts []fact) bool {
	for _, f := range facts {
		if o.Resolver == nil {
			return false
		}
		op, err := o.Resolver(f.typ, f.version, f.config)
		if err != nil {
			return false
		}
		d, err := op.Describe(ctx)
		if err != nil || !slices.Equal(factOf(d).fingerprints, f.fingerprints) {
			return false
		}
	}
	return true
}
