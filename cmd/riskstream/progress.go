package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progressEvery is how often progress is redrawn.
const progressEvery = 500 * time.Millisecond

// progress shows how far long work has come, on a terminal only.
type progress struct {
	w      io.Writer
	on     bool
	shown  bool
	next   time.Time
	start  time.Time
	name   string
	read   int64
	size   int64
	source io.Reader
}

func newProgress(w io.Writer) *progress {
	now := time.Now()
	return &progress{w: w, on: isTerminal(w), start: now, next: now.Add(2 * progressEvery)}
}

// reader counts what is read of a file. Size 0 is unknown.
func (p *progress) reader(r io.Reader, name string, size int64) io.Reader {
	p.name, p.read, p.size, p.source = name, 0, size, r
	return p
}

// Read implements io.Reader.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.source.Read(b)
	p.read += int64(n)
	if p.on {
		if now := time.Now(); now.After(p.next) {
			p.next = now.Add(progressEvery)
			p.draw(now)
		}
	}
	return n, err
}

// at shows how far something has come that is not read through the progress.
func (p *progress) at(name string, done, size int64) {
	p.name, p.read, p.size = name, done, size
	if now := time.Now(); p.on && now.After(p.next) {
		p.next = now.Add(progressEvery)
		p.draw(now)
	}
}

// counted shows how many of some things are done.
func (p *progress) counted(name string, done, total int64) {
	now := time.Now()
	if !p.on || now.Before(p.next) {
		return
	}
	p.next, p.shown = now.Add(progressEvery), true
	spent := now.Sub(p.start)
	fmt.Fprintf(p.w, "\r\x1b[K%d of %d %s, %.0f/s, %s", done, total, name, float64(done)/spent.Seconds(), spent.Round(time.Second))
}

func (p *progress) draw(now time.Time) {
	p.shown = true
	mib := float64(p.read) / (1 << 20)
	if p.size > 0 {
		fmt.Fprintf(p.w, "\r\x1b[K%s: %.0f%% of %.1f MiB, %s", p.name, 100*float64(p.read)/float64(p.size), float64(p.size)/(1<<20), now.Sub(p.start).Round(time.Second))
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s: %.1f MiB, %s", p.name, mib, now.Sub(p.start).Round(time.Second))
}

// done clears the line, for another text or for good.
func (p *progress) done() {
	if p.shown {
		p.shown = false
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colourOn reports whether output may be coloured: on a terminal, unless
// NO_COLOR is set.
func colourOn(w any) bool { return os.Getenv("NO_COLOR") == "" && isTerminal(w) }
