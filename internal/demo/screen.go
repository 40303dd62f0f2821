package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/livetable"
	"github.com/riskstream/riskstream/internal/simulate"
)

// screen draws the live table and tells what the company's people and
// attackers do, so that one can judge the scores. Without a terminal it writes
// a few plain lines now and then.
type screen struct {
	out      *os.File
	message  io.Writer
	every    time.Duration
	broker   string
	history  string // how to ask it, or why there is none
	files    []string
	stories  []simulate.Story // in time order
	told     int              // of stories, without a terminal
	follower *follower
	terminal bool

	mu      sync.Mutex
	problem string // the last one logged, on a terminal
}

func newScreen(o Options, broker string, company *simulate.Company) *screen {
	s := &screen{out: o.Out, message: o.Message, every: o.every, broker: broker, files: o.Files}
	size, _ := livetable.Terminal(o.Out, os.Getenv)
	s.terminal = size.Width > 0
	if s.every == 0 {
		s.every = 10 * time.Second
		if s.terminal {
			s.every = 500 * time.Millisecond
		}
	}
	if company != nil {
		s.stories = company.Stories()
	}
	return s
}

// Write takes a line of the log. On a terminal it would tear the table apart,
// and is shown in it instead.
func (s *screen) Write(line []byte) (int, error) {
	if !s.terminal {
		return s.message.Write(line)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem = strings.TrimSpace(string(line))
	return len(line), nil
}

func (s *screen) run(ctx context.Context) error {
	if !s.terminal {
		if _, err := fmt.Fprintf(s.out, "broker %s\n%s\n%s\n", s.broker, s.howToRead(), s.history); err != nil {
			return err
		}
	}
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	began, rate := time.Now(), rate{}
	for {
		rows, stats := s.follower.snapshot()
		stats.Elapsed = time.Since(began)
		stats.PerSecond = rate.of(stats.Events, stats.Elapsed)
		if err := s.draw(rows, stats); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *screen) draw(rows []livetable.Row, stats livetable.Stats) error {
	size, colour := livetable.Terminal(s.out, os.Getenv)
	if !s.terminal {
		if stats.Events == 0 {
			return nil
		}
		if err := s.tell(event.TimeOf(time.Now())); err != nil {
			return err
		}
	}
	return livetable.Render(s.out, size, rows, stats, livetable.Options{
		Colour: colour, Broker: s.broker, Hints: s.hints(event.TimeOf(time.Now())),
	})
}

func (s *screen) howToRead() string {
	return "read the scores: kcat -b " + s.broker + " -t risk.scores -C -q | jq ."
}

// shownStories is how many of the stories that have begun are shown.
const shownStories = 2

func (s *screen) hints(now event.Time) []string {
	hints := []string{s.howToRead()}
	if s.history != "" {
		hints = append(hints, s.history)
	}
	if len(s.files) > 0 {
		hints = append(hints, "from "+strings.Join(s.files, ", ")+"; each user as of the last event; Ctrl-C ends")
	}
	begun := 0
	for begun < len(s.stories) && s.stories[begun].At <= now {
		begun++
	}
	for i := max(begun-shownStories, 0); i < begun; i++ {
		hints = append(hints, story(&s.stories[i]))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.problem != "" {
		hints = append(hints, s.problem)
	}
	return hints
}

// tell writes the stories that have begun since the last call.
func (s *screen) tell(now event.Time) error {
	for ; s.told < len(s.stories) && s.stories[s.told].At <= now; s.told++ {
		if _, err := fmt.Fprintln(s.out, story(&s.stories[s.told])); err != nil {
			return err
		}
	}
	return nil
}

func story(s *simulate.Story) string {
	kind := "harmless"
	if s.Attack {
		kind = "attack  "
	}
	return fmt.Sprintf("%s  %s  %s: %s", s.At.Std().Format(time.TimeOnly), kind, s.Person, s.About)
}

// end says what was done, below the last table.
func (s *screen) end() {
	rows, stats := s.follower.snapshot()
	atRisk := 0
	for i := range rows {
		if rows[i].Level >= event.Low {
			atRisk++
		}
	}
	if s.terminal {
		fmt.Fprint(s.message, "\r\x1b[K") // the terminal's ^C
	}
	fmt.Fprintf(s.message, "drained; %d events, %d detections, %d dead letters, %d at low risk or above\n",
		stats.Events, stats.Detections, stats.DeadLetters, atRisk)
}

// rate smooths a count's growth over the last samples: the company does
// something every second or so, and a table drawn twice a second would flicker
// between 0 and 2.
type rate struct {
	counts [10]uint64
	times  [10]time.Duration
	next   int
}

func (r *rate) of(count uint64, at time.Duration) float64 {
	slot := r.next % len(r.counts)
	grown, took := count-r.counts[slot], at-r.times[slot]
	r.counts[slot], r.times[slot] = count, at
	r.next++
	return float64(grown) / max(took, time.Millisecond).Seconds()
}
