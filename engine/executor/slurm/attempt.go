package slurm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"rein/engine"
)

// attempt is one job of a step, and those sent after it.
type attempt struct {
	*Executor
	job    *engine.Job
	id     string // Slurm's, "12" or "12_3"
	memory int64
	time   time.Duration
	argv   []string // a courier's command
	read   int64    // bytes of the output file that were passed on
	told   string   // why it waits, as it was said last
	runs   bool     // that was said
}

// log says something that belongs to the step's log.
func (a *attempt) log(text string) {
	a.job.Emit(engine.Event{Action: engine.ActionLog, Text: text})
}

// say says why the step doesn't go on.
func (a *attempt) say(text string) {
	a.job.Emit(engine.Event{Action: engine.ActionWait, Text: text})
}

// sayOfSlurm says whether Slurm itself is well.
func (a *attempt) sayOfSlurm(text string, well bool) {
	if well {
		a.log(text)
		return
	}
	a.say(text)
}

// news takes what a look has shown of the job.
func (a *attempt) news(j listed) {
	if why := j.waits(); why != a.told {
		if a.told = why; why != "" {
			a.say(why)
		}
	}
	if running := j.state == "RUNNING"; running != a.runs {
		if a.runs = running; running {
			a.log(fmt.Sprintf("Slurm job %s runs on %s", a.id, j.node))
		}
	}
}

// follow waits for the job's end, passing on what it prints.
func (a *attempt) follow(ctx context.Context) (end, error) {
	w := &watch{id: a.id, say: a.sayOfSlurm}
	a.queue.watch(w)
	defer a.queue.unwatch(w)
	a.out.Add(1)
	defer a.out.Add(-1)
	defer a.submit.freed()
	var answered time.Time
	tick := time.NewTicker(a.config.Interval)
	defer tick.Stop()
	for {
		select {
		case j := <-w.news:
			a.news(j)
		case e := <-w.ended:
			return e, errors.Join(a.awaitAnswer(ctx, e), a.relay(true))
		case <-tick.C:
			_ = a.bring(ctx, false) // news can wait; the end can't
			_, over := a.job.Answer()
			if err := a.relay(over); err != nil {
				return end{}, err
			}
			if over && answered.IsZero() {
				answered = time.Now()
			}
			if over && time.Since(answered) > wordLooks*a.config.Interval {
				return end{}, nil
			}
		case <-ctx.Done():
			return end{}, errors.Join(ctx.Err(), a.interrupted())
		}
	}
}

// How long a job's answer is waited for after its end: where it has left one for sure, until a network file system shows it for sure.
const (
	answerTime     = time.Second
	sureAnswerTime = time.Minute
	answerPause    = 50 * time.Millisecond
)

// wordLooks is for how many intervals Slurm's word on a job is waited for once its answer is there: it may be that the job lacked
// memory.
const wordLooks = 30

// awaitAnswer gives a network file system a moment to show what the node wrote; a courier is asked for it.
func (a *attempt) awaitAnswer(ctx context.Context, e end) error {
	if e.state == stateNever {
		return nil
	}
	if a.config.Courier != nil {
		return a.bringAll(ctx)
	}
	most := answerTime
	if e.answered() {
		most = sureAnswerTime
	}
	for began := time.Now(); time.Since(began) < most; {
		_, _ = os.ReadDir(a.job.Folder()) // has NFS ask its server again
		if _, ok := a.job.Answer(); ok {
			return nil
		}
		select {
		case <-time.After(answerPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// bring has a courier bring home what the job has left.
func (a *attempt) bring(ctx context.Context, over bool) error {
	if a.config.Courier == nil {
		return nil
	}
	return a.config.Courier.Bring(ctx, a.job, outputPath(a.job.Folder()), over)
}

// bringTries is how often a courier is asked for what a job that is over has left, with pauses that double.
const bringTries = 8

// bringAll is bring for a job that is over. What it has made may have cost days: a fault on the way isn't the end of it.
func (a *attempt) bringAll(ctx context.Context) (err error) {
	for try, pause := 0, time.Second; ; try, pause = try+1, 2*pause {
		if err = a.bring(ctx, true); err == nil || try == bringTries-1 {
			return err
		}
		a.say(fmt.Sprintf("what Slurm job %s has left can't be fetched (%v); it is tried again", a.id, err))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// relay passes on what the job has printed since the last time: whole lines, or all of it.
func (a *attempt) relay(all bool) error {
	f, err := os.Open(outputPath(a.job.Folder()))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, a.read, 1<<62))
	if err != nil {
		return err
	}
	if !all {
		b = b[:strings.LastIndexByte(string(b), '\n')+1]
	}
	for line := range strings.Lines(string(b)) {
		a.job.EventLine(strings.TrimSuffix(line, "\n"))
	}
	a.read += int64(len(b))
	return nil
}

// interrupted cancels the job, unless jobs are to be left alone.
func (a *attempt) interrupted() error {
	a.asked.Do(func() {
		if a.config.Leave != nil {
			a.leave = a.config.Leave(context.Background(), int(a.out.Load()))
		}
	})
	if a.leave || a.id == "" {
		return nil
	}
	if err := a.cancel.add(a.id); err != nil {
		a.job.Emit(engine.Event{Action: engine.ActionNote, Text: fmt.Sprintf(
			"Slurm job %s could not be cancelled and may go on (%v); the next run finds it, or: scancel %s", a.id, err, a.id)})
		return err
	}
	a.abandon()
	return nil
}

// abandon has the next run not find a job that was cancelled.
func (a *attempt) abandon() {
	_ = os.RemoveAll(a.job.Dir) // a job that goes on for a moment finds no place
	if a.config.Courier != nil {
		a.config.Courier.Forget(a.job)
	}
}
