package slurm

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rein/cache"
	"rein/engine"
)

// send submits the job, together with other ready jobs that need the same resources.
func (a *attempt) send(ctx context.Context) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	p := &pending{attempt: a, ctx: ctx, done: make(chan error, 1)}
	a.submit.add(p)
	if err := <-p.done; err != nil {
		return err
	}
	if ctx.Err() != nil { // it was being sent when the run was interrupted
		return errors.Join(ctx.Err(), a.interrupted())
	}
	return nil
}

// begin gives the job a new folder, so that a job which was sent before and starts late finds no order.
func (a *attempt) begin(ctx context.Context) error {
	if a.config.Courier != nil && a.job.Try != "" {
		a.config.Courier.Forget(a.job)
	}
	if err := a.job.Begin(); err != nil {
		return err
	}
	a.id, a.read, a.told, a.runs = "", 0, "", false
	if a.config.Courier == nil {
		return nil
	}
	var err error
	a.argv, err = a.config.Courier.Send(ctx, a.job)
	return err
}

// pending is an attempt that waits to be sent.
type pending struct {
	attempt *attempt
	ctx     context.Context
	done    chan error
}

// submitter collects ready jobs for a moment, and sends those that need the same resources as one job array.
type submitter struct {
	config Config
	mu     sync.Mutex
	batch  []*pending

	full sync.Mutex    // held by the group that waits for room in the queue; other groups wait for it
	room chan struct{} // receives when a job has ended
}

func newSubmitter(c Config) *submitter { return &submitter{config: c, room: make(chan struct{}, 1)} }

func (s *submitter) add(p *pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.batch = append(s.batch, p); len(s.batch) == 1 {
		time.AfterFunc(s.config.Queue.pause(), s.flush)
	}
}

// freed says that a job has ended.
func (s *submitter) freed() {
	select {
	case s.room <- struct{}{}:
	default:
	}
}

// maxArray is how many tasks an array has at most: Slurm's own default limit is 1,001.
const maxArray = 1000

func (s *submitter) flush() {
	s.mu.Lock()
	batch := s.batch
	s.batch = nil
	s.mu.Unlock()
	groups := map[string][]*pending{}
	var order []string
	for _, p := range batch {
		k := strings.Join(s.limits(p.attempt), "\x00")
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], p)
	}
	for _, k := range order {
		for group := range slices.Chunk(groups[k], maxArray) {
			go s.deliver(group) // a group that waits for room doesn't hold up the next one
		}
	}
}

// deliver sends a group, and waits until it can. If there isn't room for all of it, it is sent in halves: a queue that takes 50 jobs at a
// time never has room for an array of 100.
func (s *submitter) deliver(group []*pending) {
	err := s.retry(group, s.send(group), errLater)
	if len(group) > 1 && (errors.Is(err, errFull) || errors.Is(err, errTooLong)) {
		s.deliver(group[:len(group)/2])
		s.deliver(group[len(group)/2:])
		return
	}
	if errors.Is(err, errFull) {
		err = s.await(group, err)
	}
	for _, p := range group {
		p.done <- err
	}
}

// await waits for room in the queue. One of the waiting groups tries for all of them.
func (s *submitter) await(group []*pending, err error) error {
	s.full.Lock()
	defer s.full.Unlock()
	return s.retry(group, err, errFull, errLater)
}

// maxPause is the longest pause between two tries to submit.
const maxPause = time.Minute

// retry sends a group repeatedly, as long as it is refused for one of the given reasons.
func (s *submitter) retry(group []*pending, err error, why ...error) error {
	for pause := time.Second; slices.ContainsFunc(why, func(w error) bool { return errors.Is(err, w) }); pause = min(2*pause, maxPause) {
		if pause == 2*time.Second { // the first refusal may be over in a moment
			for _, p := range group {
				p.attempt.say(fmt.Sprintf("Slurm takes no job now (%v); it is asked again", err))
			}
		}
		select {
		case <-group[0].ctx.Done():
			return group[0].ctx.Err()
		case <-time.After(pause):
		case <-s.room:
		}
		err = s.send(group)
	}
	return err
}

// Why sbatch hasn't taken a job.
var (
	errFull    = errors.New("its queue is full")
	errLater   = errors.New("it can't be reached")
	errTooLong = errors.New("the array is too long")
	errUnsure  = errors.New("nobody knows whether it was taken")
)

// refusal tells refusals of sbatch that mean "later" from those that mean "no".
func refusal(text string) error {
	for _, r := range []struct {
		err  error
		says []string
	}{
		{errUnsure, []string{"Socket timed out", "Zero Bytes were transmitted", "gave no answer", "signal: "}},
		{errFull, []string{"temporarily unable to accept", "MaxSubmitJob", "GrpSubmitJob", "Resource temporarily unavailable"}},
		{errLater, []string{"Unable to contact slurm controller", "Connection refused", "Communication connection failure", "Backup Controller", "in standby mode"}},
		{errTooLong, []string{"Invalid job array specification"}},
	} {
		for _, s := range r.says {
			if strings.Contains(text, s) {
				return r.err
			}
		}
	}
	return nil
}

// send submits one group: a job, or an array.
func (s *submitter) send(group []*pending) error {
	ctx := group[0].ctx
	if err := ctx.Err(); err != nil {
		return err // interrupted before it was sent
	}
	intents, err := s.intend(group)
	if err != nil {
		return err
	}
	name := intents[0].Name
	args := append([]string{"--parsable", "--job-name=" + name, "--output=/dev/null", "--error=/dev/null", "--no-requeue"}, s.arguments()...)
	if s.config.Courier != nil {
		args = append(args, "--chdir=/tmp") // our working directory may not exist on the nodes
	}
	args = append(args, s.limits(group[0].attempt)...)
	if len(group) > 1 {
		args = append(args, fmt.Sprintf("--array=0-%d", len(group)-1))
	}
	began := time.Now()
	id, err := s.sbatch(group, args)
	if errors.Is(err, errUnsure) {
		id, err = s.lookFor(group, name, began, err)
	}
	if err != nil {
		return err
	}
	for i, p := range group {
		p.attempt.id = id
		if len(group) > 1 {
			p.attempt.id = id + "_" + strconv.Itoa(i)
		}
		intents[i].ID = p.attempt.id
		if err := intents[i].write(p.attempt.job.Dir); err != nil {
			return err
		}
		p.attempt.log("sent as Slurm job " + p.attempt.id)
	}
	return nil
}

// intend records what is about to be sent. An attempt's folder has a name of its own, so the job's name has one too.
func (s *submitter) intend(group []*pending) ([]intent, error) {
	first := group[0].attempt.job
	name := "rein-" + first.Order.Action.String() + "-" + first.Try
	if len(group) > 1 {
		var all strings.Builder
		for _, p := range group {
			all.WriteString(p.attempt.job.Try)
		}
		name = "rein-array-" + cache.Sum([]byte(all.String())).String()
	}
	intents := make([]intent, len(group))
	for i, p := range group {
		intents[i] = intent{Name: name, Index: i, Try: p.attempt.job.Try}
		if len(group) == 1 {
			intents[i].Index = -1
		}
		if err := intents[i].write(p.attempt.job.Dir); err != nil {
			return nil, err
		}
	}
	return intents, nil
}

// submitted is what sbatch prints about a job that it has accepted. A federation adds the cluster's name.
var submitted = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^(\d+)(;\S+)?\s*$`) })

// How long an sbatch may take before that is reported, and how long it may go on when the run is interrupted.
const (
	quietTime = 30 * time.Second
	endTime   = 10 * time.Second
)

// sbatch submits a group. An interrupt doesn't end it at once, because nobody could tell whether Slurm accepted the job.
func (s *submitter) sbatch(group []*pending, args []string) (id string, err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(group[0].ctx))
	defer cancel()
	defer context.AfterFunc(group[0].ctx, func() { time.AfterFunc(endTime, cancel) })()
	quiet := time.AfterFunc(quietTime, func() { group[0].attempt.say(fmt.Sprintf("sbatch has been silent for %v", quietTime)) })
	defer quiet.Stop()
	out, err := command(ctx, s.script(group), "sbatch", args...)
	if err != nil {
		if kind := refusal(err.Error()); kind != nil {
			return "", fmt.Errorf("%w: %w", kind, err)
		}
		return "", err
	}
	if m := submitted().FindStringSubmatch(out); m != nil {
		return m[1], nil
	}
	return "", fmt.Errorf("%w: sbatch printed %q where it prints a job's number", errUnsure, strings.TrimSpace(out))
}

// lookFor looks in the queue for a group that Slurm may have accepted. If it isn't there, each of its jobs gets a new folder before it is
// sent again, so that one that turns up late finds no order.
func (s *submitter) lookFor(group []*pending, name string, began time.Time, why error) (id string, err error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(group[0].ctx))
	defer cancel()
	defer context.AfterFunc(group[0].ctx, func() { time.AfterFunc(endTime, cancel) })()
	a := group[0].attempt
	if err := sleep(ctx, a.config.Interval); err != nil {
		return "", err
	}
	l, err := a.look(ctx, began)
	if err != nil {
		a.job.Emit(engine.Event{Action: engine.ActionNote, Text: fmt.Sprintf("%v: the next run looks for job %s", why, name)})
		return "", errors.Join(why, err)
	}
	for _, j := range l.jobs {
		if j.name == name {
			id, _, _ = strings.Cut(j.id, "_")
			return id, nil
		}
	}
	for _, p := range group {
		if err := p.attempt.begin(ctx); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%w: %v", errLater, why)
}
