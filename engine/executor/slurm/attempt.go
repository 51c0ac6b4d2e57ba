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

// attempt is a job of a step, and the jobs that replace it.
type attempt struct {
	*Executor
	job    *engine.Job
	id     string // Slurm's, "12" or "12_3"
	memory int64
	time   time.Duration
	argv   []string // a courier's command
	read   int64    // bytes of the output file that were passed on
	told   string   // the reason for waiting that was reported last
	runs   bool     // that was said
}

// log adds a line to the step's log.
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

// follow waits for the job's end and passes on what it prints.
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
			if over && time.Since(answered) > time.Duration(wordLooks)*a.config.Interval {
				return end{}, nil
			}
		case <-ctx.Done():
			return end{}, errors.Join(ctx.Err(), a.interrupted())
		}
	}
}

// How long a job's answer is waited for after its end: where it has left one for sure, until a network file system shows it for sure.
const (
	sureAnswerTime = time.Minute
	answerPause    = 50 * time.Millisecond
)

var answerTime = time.Second

// wordLooks is for how many intervals we wait for Slurm to report a job's end once the answer is there: the job may have run out of memory.
var wordLooks = 30

// awaitAnswer waits a moment for a network file system to show what the node wrote. A courier is asked for the answer.
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

// bring lets a courier fetch what the job has left.
func (a *attempt) bring(ctx context.Context, over bool) error {
	if a.config.Courier == nil {
		return nil
	}
	return a.config.Courier.Bring(ctx, a.job, outputPath(a.job.Folder()), over)
}

// bringTries is how often a courier is asked for the results of a finished job, with pauses that double.
const bringTries = 8

// bringAll is bring for a job that is over. Its results may have taken days, so a fault of the transfer is retried.
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

// relay passes on what the job has printed since the last call: whole lines, or with all = true everything.
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

// abandon makes sure that the next run doesn't find a job that was cancelled.
func (a *attempt) abandon() {
	_ = os.RemoveAll(a.job.Dir) // a job that still runs for a moment has nowhere to write
	if a.config.Courier != nil {
		a.config.Courier.Forget(a.job)
	}
}
