// Package enrich adds to an event what files know and the log does not: the
// place and network of the source address, anonymisers, the browser and
// operating system behind a user-agent string, and what the organisation's own
// directory says of users, networks, places, apps and resources.
//
// The result is a pure function of the event and the loaded files. Files are
// read whole, checked, and swapped in at once; see Watch. Only ingest enriches:
// what the subject lane needs travels in the event, so that a later change of
// a file changes no past decision.
package enrich

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskstream/riskstream/event"
)

// Config names the files to enrich from. The zero Config enriches from the
// event alone: user agent, and the AS types that are built in.
type Config struct {
	GeoIP     GeoIPConfig
	Directory string         // path of the directory file; "" for none
	Leaked    []LeakedConfig // lists of leaked accounts
}

// GeoIPConfig names databases in MaxMind's format and lists of networks.
type GeoIPConfig struct {
	City      string       `yaml:"city"`      // GeoLite2/GeoIP2 City, Enterprise or Country
	ASN       string       `yaml:"asn"`       // GeoLite2 ASN or GeoIP2 ISP
	Anonymous string       `yaml:"anonymous"` // GeoIP2 Anonymous IP
	Lists     []ListConfig `yaml:"lists"`
}

// ListConfig is a file of networks that all are of one kind of anonymiser, or
// that threats come from.
type ListConfig struct {
	Path       string `yaml:"path"`
	Anonymizer string `yaml:"anonymizer"` // tor, residential_proxy, proxy, vpn or hosting
	Threat     string `yaml:"threat"`     // the name of a threat list, as evidence tells it
}

// Enricher enriches events. Its methods may be called concurrently.
type Enricher struct {
	log     *slog.Logger
	tables  atomic.Pointer[tables]
	asTypes map[uint32]string // read-only
	agents  *cache[string, agent]
	files   []*file

	polling  sync.Mutex // guards what files remember between polls
	swapping sync.Mutex // guards closed, and writes to tables
	closed   bool

	unlocated    atomic.Uint64
	missingGeo   atomic.Bool
	lookupErrors atomic.Uint64
}

// tables is everything that was loaded from files, in one consistent and
// immutable set.
type tables struct {
	city      *database[event.Geo]
	asn       *database[event.AS]
	anonymous *database[string]
	lists     []list
	threats   []threatList
	leaked    []leakedList
	directory *directory

	// sources remembers what the tables above say of an address; it is new
	// with each set.
	sources *cache[addrKey, facts]
}

// The caches are direct-mapped: a slot is overwritten by the next key that
// falls on it. So they are bounded, and a lookup takes no lock.
const (
	sourceSlots = 1 << 14 // about 3 MB when full
	agentSlots  = 1 << 12 // about 1 MB when full
)

// Open loads every configured file. The error joins every problem of every
// file; each names its file and, where there is one, the line and column. A
// nil log discards messages.
func Open(cfg Config, log *slog.Logger) (*Enricher, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	e := &Enricher{log: log, asTypes: parseASTypes(), agents: newCache[string, agent](agentSlots)}
	files, errs := filesOf(cfg)
	e.files = files
	t := newTables(cfg)
	t.sources = newCache[addrKey, facts](sourceSlots)
	for _, f := range e.files {
		if err := f.open(t, false); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	e.tables.Store(t)
	return e, nil
}

// Check loads every configured file as Open does, and also reads each record
// of the databases, which takes seconds for a large one. It returns every
// problem.
func Check(cfg Config) []error {
	files, errs := filesOf(cfg)
	t := newTables(cfg)
	for _, f := range files {
		if err := f.open(t, true); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// newTables has room for what the lists of a configuration will say.
func newTables(cfg Config) *tables {
	t := &tables{directory: newDirectory(), leaked: make([]leakedList, len(cfg.Leaked))}
	for i := range cfg.GeoIP.Lists {
		if cfg.GeoIP.Lists[i].Threat == "" {
			t.lists = append(t.lists, list{})
		} else {
			t.threats = append(t.threats, threatList{})
		}
	}
	return t
}

// filesOf lists the files of a configuration in the order in which they are
// loaded, and the problems of the configuration itself.
func filesOf(cfg Config) ([]*file, []error) {
	var files []*file
	var errs []error
	add := func(kind, path string, limit int64, load loadFunc) {
		if path != "" {
			files = append(files, &file{kind: kind, path: path, limit: limit, load: load})
		}
	}
	g := &cfg.GeoIP
	add("city", g.City, maxDatabase, loadDatabase(g.City, cityLayout, func(t *tables) **database[event.Geo] { return &t.city }))
	add("asn", g.ASN, maxDatabase, loadDatabase(g.ASN, asnLayout, func(t *tables) **database[event.AS] { return &t.asn }))
	add("anonymous", g.Anonymous, maxDatabase, loadDatabase(g.Anonymous, anonymousLayout, func(t *tables) **database[string] { return &t.anonymous }))
	anonymisers, threats := 0, 0
	for i, l := range g.Lists {
		if l.Path == "" {
			errs = append(errs, fmt.Errorf("geoip.lists[%d]: path is missing", i))
		}
		if l.Threat != "" {
			if l.Anonymizer != "" {
				errs = append(errs, fmt.Errorf("geoip.lists[%d]: has both anonymizer and threat; make two lists of it", i))
			}
			add("list", l.Path, maxListBytes, loadThreats(l, threats))
			threats++
			continue
		}
		if rank(l.Anonymizer) == 0 {
			errs = append(errs, fmt.Errorf("geoip.lists[%d]: anonymizer is %q; want tor, residential_proxy, proxy, vpn or hosting, or the key threat", i, l.Anonymizer))
		}
		add("list", l.Path, maxListBytes, loadList(l, anonymisers))
		anonymisers++
	}
	for i, l := range cfg.Leaked {
		if l.Path == "" {
			errs = append(errs, fmt.Errorf("leaked_accounts[%d]: path is missing", i))
		}
		if l.Name == "" {
			errs = append(errs, fmt.Errorf("leaked_accounts[%d]: name is missing", i))
		}
		add("leaked", l.Path, maxListBytes, loadLeaked(l, i))
	}
	add("directory", cfg.Directory, maxDirectoryBytes, func(t *tables, data []byte, _ bool) (int64, error) {
		d, err := parseDirectory(cfg.Directory, data)
		if err != nil {
			return 0, err
		}
		t.directory = d
		return 0, nil
	})
	return files, errs
}

// loadList puts an anonymiser list into its place in the tables.
func loadList(l ListConfig, place int) loadFunc {
	return func(t *tables, data []byte, _ bool) (int64, error) {
		prefixes, err := parseList(l.Path, data)
		if err == nil {
			t.lists[place] = list{l.Anonymizer, prefixes}
		}
		return 0, err
	}
}

// loadThreats does so with a threat list.
func loadThreats(l ListConfig, place int) loadFunc {
	return func(t *tables, data []byte, _ bool) (int64, error) {
		until, err := parseThreats(l.Path, data)
		if err == nil {
			t.threats[place] = threatList{l.Threat, until}
		}
		return 0, err
	}
}

// loadLeaked does so with a list of leaked accounts.
func loadLeaked(l LeakedConfig, place int) loadFunc {
	return func(t *tables, data []byte, _ bool) (int64, error) {
		accounts, err := parseLeaked(l.Path, data)
		if err == nil {
			t.leaked[place] = leakedList{l.Name, accounts}
		}
		return 0, err
	}
}

// loadDatabase puts a database into its field of the tables.
func loadDatabase[T any](path string, l layout[T], field func(*tables) **database[T]) loadFunc {
	return func(t *tables, data []byte, thorough bool) (int64, error) {
		db, err := openDatabase(path, data, l)
		if err == nil && thorough {
			err = db.verify()
		}
		if err != nil {
			return 0, err
		}
		*field(t) = db
		return int64(db.reader.Metadata.BuildEpoch), nil
	}
}

// Enrich completes the event in place.
func (e *Enricher) Enrich(ev *event.Event) {
	t := e.tables.Load()
	e.enrichSource(t, ev)
	e.enrichAgent(&ev.UserAgent)
	t.directory.enrich(ev)
	enrichLeaked(t.leaked, &ev.User, ev.Time)
}

// Watch looks at every file each interval and loads those that changed, until
// the context ends. See poll for what it takes to be loaded.
func (e *Enricher) Watch(ctx context.Context, interval time.Duration) {
	if len(e.files) == 0 || interval <= 0 {
		return
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.poll()
		}
	}
}

// Close lets go of what was loaded. Later events are enriched from themselves
// alone.
func (e *Enricher) Close() error {
	e.swapping.Lock()
	defer e.swapping.Unlock()
	e.closed = true
	e.tables.Store(&tables{directory: newDirectory(), sources: newCache[addrKey, facts](1)})
	return nil
}

// swap puts new tables into use, unless the enricher is closed.
func (e *Enricher) swap(next *tables) {
	e.swapping.Lock()
	defer e.swapping.Unlock()
	if !e.closed {
		e.tables.Store(next)
	}
}

// MissingGeo reports whether an event had an address but no location, for want
// of a City database and of a location in the log. Detectors that compare
// places skip such events.
func (e *Enricher) MissingGeo() bool { return e.missingGeo.Load() }

// Unlocated counts the events with an address that ended without a country and
// without coordinates, for whatever reason.
func (e *Enricher) Unlocated() uint64 { return e.unlocated.Load() }

// LookupErrors counts lookups that failed because a database is damaged; the
// address counted as unknown.
func (e *Enricher) LookupErrors() uint64 { return e.lookupErrors.Load() }

// FileStatus is what metrics tell of one file.
type FileStatus struct {
	Kind    string // city, asn, anonymous, list, leaked or directory
	Path    string
	Built   int64  // when a database was built, Unix seconds; 0 for other files
	Reloads uint64 // versions loaded after the first
	Errors  uint64 // versions refused, and times that the file vanished
}

// Files lists the configured files in a fixed order. It does not wait for a
// reload in progress.
func (e *Enricher) Files() []FileStatus {
	all := make([]FileStatus, len(e.files))
	for i, f := range e.files {
		all[i] = FileStatus{f.kind, f.path, f.built.Load(), f.reloads.Load(), f.errors.Load()}
	}
	return all
}
