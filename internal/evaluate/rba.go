package evaluate

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
)

// AccountTakeover is the RBA dataset's own kind of attack.
const AccountTakeover = "account_takeover"

// Columns of the RBA dataset that are read, by their names.
const (
	rbaIndex = iota
	rbaTime
	rbaUser
	rbaIP
	rbaCountry
	rbaAS
	rbaAgent
	rbaBrowser
	rbaSystem
	rbaKind
	rbaSuccess
	rbaAttackIP
	rbaTakeover
	rbaColumns
)

var rbaNames = [rbaColumns]string{
	"index", "Login Timestamp", "User ID", "IP Address", "Country", "ASN", "User Agent String", "Browser Name and Version",
	"OS Name and Version", "Device Type", "Login Successful", "Is Attack IP", "Is Account Takeover",
}

// RBA evaluates on the RBA dataset (Wiefling et al., das-group/rba-dataset): a
// CSV file, compressed with gzip or not. The first learn days of it teach, the
// next calibrate days fix thresholds. Its places are made up, so that nothing
// compares places; failures are taken for wrong passwords, since it does not
// say why they failed.
func RBA(ctx context.Context, cfg *config.Config, in io.Reader, learn, calibrate int) (report *Report, err error) {
	plain := *cfg
	plain.GeoIP, plain.Directory = config.Default().GeoIP, ""
	for _, travel := range []string{"impossible_travel", "atypical_travel"} {
		if without, err := withoutDetector(plain.Detectors, travel); err == nil {
			plain.Detectors = without
		}
	}
	pipeline, err := engine.NewPipeline(&plain, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, pipeline.Close()) }()
	var s *Study
	defer func() {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	err = readRBA(in, func(c *Case) error {
		if s == nil {
			from := c.Event.Time + event.Time(learn)*event.Day
			if s, err = NewStudy(&plain, Options{
				Windows:    Windows{Calibrate: from, Test: from + event.Time(calibrate)*event.Day},
				FromSecond: true, NoPlaces: true,
			}); err != nil {
				return err
			}
		}
		pipeline.Enricher().Enrich(&c.Event)
		s.Take(c)
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errors.New("the file has no row")
	}
	s.End()
	if s.ledger.last < s.ledger.windows.Test {
		return nil, fmt.Errorf("the file ends on %s, before the tested part begins (%s): learn and calibrate for less long", moment(s.ledger.last), moment(s.ledger.windows.Test))
	}
	return NewReport(Data{Source: "RBA dataset", Notes: []string{
		"The dataset's places and round-trip times are made up: no method compares places, and the travel detectors are off.",
		"The first sign-in of each user is left out of every rate, as in the literature on the dataset.",
		"It does not say why attempts failed; they are taken for wrong passwords.",
		"Sign-ins from addresses known for attacks that were not found to be takeovers are counted as neither: nobody knows whose they are.",
	}}, cfg.Scoring.Prior, s), nil
}

// readRBA hands on each row. A case is valid until each returns.
func readRBA(in io.Reader, each func(*Case) error) error {
	buffered := bufio.NewReaderSize(in, 1<<20)
	in = buffered
	if magic, _ := buffered.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		expanded, err := gzip.NewReader(buffered)
		if err != nil {
			return err
		}
		in = expanded
	}
	rows := csv.NewReader(in)
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return fmt.Errorf("no header: %w", err)
	}
	columns, err := rbaHeader(header)
	if err != nil {
		return err
	}
	r := rbaReader{hands: map[string]event.Time{}}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var fields [rbaColumns]string
		for i, at := range columns {
			fields[i] = row[at]
		}
		c, err := r.row(&fields)
		if err != nil {
			line, _ := rows.FieldPos(0)
			return fmt.Errorf("line %d: %w", line, err)
		}
		if err := each(c); err != nil {
			return err
		}
	}
}

// rbaHeader finds the columns, wherever they stand.
func rbaHeader(header []string) (columns [rbaColumns]int, err error) {
	var missing []string
	for i, name := range rbaNames {
		columns[i] = slices.IndexFunc(header, func(h string) bool {
			return strings.EqualFold(strings.TrimSpace(strings.TrimPrefix(h, "\ufeff")), name)
		})
		if columns[i] < 0 {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return columns, fmt.Errorf("this is not the RBA dataset: it has no column %s", strings.Join(missing, ", "))
	}
	return columns, nil
}

// rbaReader makes cases of rows.
type rbaReader struct {
	c     Case
	runs  uint32
	hands map[string]event.Time // until when accounts that were taken over are in other hands
}

const rbaLayout = "2006-01-02 15:04:05.999999999"

func (r *rbaReader) row(f *[rbaColumns]string) (*Case, error) {
	at, err := time.Parse(rbaLayout, f[rbaTime])
	if err != nil {
		return nil, fmt.Errorf("%s %q: want it like 2020-02-03 12:43:30.772", rbaNames[rbaTime], f[rbaTime])
	}
	var flags [3]bool
	for i, column := range [...]int{rbaSuccess, rbaAttackIP, rbaTakeover} {
		if flags[i], err = strconv.ParseBool(f[column]); err != nil {
			return nil, fmt.Errorf("%s %q: want True or False", rbaNames[column], f[column])
		}
	}
	if f[rbaUser] == "" {
		return nil, fmt.Errorf("%s is empty", rbaNames[rbaUser])
	}
	r.c = Case{Client: Client{Browser: f[rbaBrowser], System: f[rbaSystem], Kind: f[rbaKind]}}
	e := &r.c.Event
	e.Time, e.ID, e.Kind, e.Provider, e.Tenant = event.TimeOf(at), "rba-"+f[rbaIndex], event.KindEvent, "rba", ingest.DefaultTenant
	e.Action, e.Auth.Factor, e.Auth.Method = event.SignIn, event.FactorPassword, "password"
	e.User = event.User{ID: f[rbaUser], Name: f[rbaUser], Kind: event.Human, Subject: f[rbaUser]}
	e.UserAgent.Original = f[rbaAgent]
	e.Outcome = event.Success
	if !flags[0] {
		e.Outcome, e.Reason = event.Failure, event.BadCredentials
	}
	if ip, err := netip.ParseAddr(f[rbaIP]); err == nil {
		e.Source.IP = ip.Unmap()
	}
	if as, err := strconv.ParseUint(f[rbaAS], 10, 32); err == nil {
		e.Source.AS.Number = uint32(as)
	}
	e.Source.Geo.Country = strings.ToUpper(f[rbaCountry])
	r.truth(flags[0], flags[1], flags[2])
	return &r.c, nil
}

// truth is what the labels say. A takeover is an attack of its own. What comes
// from an address known for attacks and is no takeover is neither attack nor
// benign, and so are the events of a user in the days after a takeover.
func (r *rbaReader) truth(success, attackIP, takeover bool) {
	e, t := &r.c.Event, &r.c.Truth
	t.User, t.EventID = e.User.Subject, e.ID
	if !success || !takeover {
		t.InHands = attackIP || takeover || e.Time <= r.hands[e.User.Subject]
		return
	}
	r.runs++
	r.hands[strings.Clone(e.User.Subject)] = e.Time + inHands
	t.Attack, t.Campaign, t.Compromise, t.InHands = AccountTakeover, r.runs, true, true
}
