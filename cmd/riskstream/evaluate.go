package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/evaluate"
	"github.com/riskstream/riskstream/internal/simulate"
)

type evaluateFlags struct {
	config, output, seeds, rba, html, into string
	users, days, learn, calibrate          int
	noAblation                             bool
}

func evaluateCommand() *cobra.Command {
	var flags evaluateFlags
	cmd := &cobra.Command{
		Use:   "evaluate [flags]",
		Short: "How well attackers are told from users, and what it costs users",
		Long: `Evaluate sends labelled events through the same code that scores live ones and
counts what it makes of attackers and of honest users: on simulated companies
(see riskstream simulate), one for each seed, or on the RBA dataset. Simpler
methods see the same events: a rule of four points, the model of Freeman et al.,
and Elastic's travel rule; and riskstream runs once more without each of its
detectors.

The log is cut in three by time: --learn days teach, --calibrate days fix the
thresholds that challenge 1, 5 and 10 % of benign sign-ins, and the rest is
tested. Rates stand with the number that they are of and a 95 % interval from
resampling users. docs/accuracy.md explains each table.

--rba reads the RBA dataset (rba-dataset.csv, .gz too), which you download
yourself from its authors, das-group/rba-dataset. Its places are made up, so that
travel is left out. Users' history is kept in memory: some 4 GB for all of it.`,
		Example: `  riskstream evaluate                               five companies of 1,000 people
  riskstream evaluate --seeds 1,2 --users 300 --no-ablation
  riskstream evaluate -c riskstream.yaml            your thresholds, rules and weights
  riskstream evaluate --html report.html -o json > report.json
  riskstream evaluate --rba rba-dataset.csv.gz
  make accuracy                                     the numbers of docs/accuracy.md`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			seeds, err := flags.check(cmd)
			if err != nil {
				return usageError{err}
			}
			return evaluateAll(cmd, &flags, seeds)
		},
	}
	f := cmd.Flags()
	configFlag(cmd, &flags.config)
	outputFlag(cmd, &flags.output)
	f.StringVar(&flags.seeds, "seeds", "1-5", "`seeds` of the simulated companies: 1-5, or 1,3,8")
	f.IntVar(&flags.users, "users", 1000, "`number` of people in each of them")
	f.IntVar(&flags.days, "days", 70, "`number` of days that each of them lasts")
	f.StringVar(&flags.rba, "rba", "", "evaluate on the RBA dataset in this CSV `file`; - is standard input")
	f.IntVar(&flags.learn, "learn", 0, "`days` that only teach (default 21; 30 with --rba)")
	f.IntVar(&flags.calibrate, "calibrate", 0, "`days` after them that fix the thresholds (default 14; 30 with --rba)")
	f.BoolVar(&flags.noAblation, "no-ablation", false, "leave out the runs without each detector")
	f.StringVar(&flags.html, "html", "", "also write a page with plots to this `file`")
	f.StringVar(&flags.into, "into", "", "also rewrite the tables between the markers of this Markdown `file`")
	return cmd
}

// check finds wrong usage before anything runs, and fills in defaults.
func (f *evaluateFlags) check(cmd *cobra.Command) (seeds []uint64, err error) {
	if f.output != "table" && f.output != "json" {
		return nil, fmt.Errorf("--output %q: want table or json", f.output)
	}
	set := cmd.Flags().Changed
	if f.rba != "" {
		for _, name := range []string{"seeds", "users", "days", "no-ablation"} {
			if set(name) {
				return nil, fmt.Errorf("--%s is for the simulation: leave it out with --rba", name)
			}
		}
	}
	for _, d := range []struct {
		name            string
		days            *int
		simulation, rba int
	}{{"learn", &f.learn, 21, 30}, {"calibrate", &f.calibrate, 14, 30}} {
		if !set(d.name) {
			if *d.days = d.simulation; f.rba != "" {
				*d.days = d.rba
			}
		}
		if *d.days < 1 || *d.days > 365 {
			return nil, fmt.Errorf("--%s %d: want 1 to 365 days", d.name, *d.days)
		}
	}
	if f.rba != "" {
		return nil, nil
	}
	if f.users < simulate.MinUsers || f.users > simulate.MaxUsers {
		return nil, fmt.Errorf("--users %d: want %d to %d", f.users, simulate.MinUsers, simulate.MaxUsers)
	}
	if f.days < 2*(f.learn+f.calibrate) || f.days > simulate.MaxDays {
		return nil, fmt.Errorf("--days %d: want at least twice --learn and --calibrate (%d), and at most %d", f.days, 2*(f.learn+f.calibrate), simulate.MaxDays)
	}
	return seedsOf(f.seeds)
}

// maxSeeds bounds what --seeds may ask for by a slip of the pen.
const maxSeeds = 1000

// seedsOf reads 1-5 and 1,3,8.
func seedsOf(text string) (seeds []uint64, err error) {
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			to = from
		}
		first, err1 := strconv.ParseUint(from, 10, 64)
		last, err2 := strconv.ParseUint(to, 10, 64)
		if err1 != nil || err2 != nil || last < first || last-first >= maxSeeds {
			return nil, fmt.Errorf("--seeds %q: want numbers such as 1-5 or 1,3,8", text)
		}
		for seed := first; ; seed++ {
			if slices.Contains(seeds, seed) {
				return nil, fmt.Errorf("--seeds %q: %d is there twice", text, seed)
			}
			if seeds = append(seeds, seed); seed == last {
				break
			}
		}
	}
	return seeds, nil
}

func evaluateAll(cmd *cobra.Command, flags *evaluateFlags, seeds []uint64) error {
	if flags.into != "" { // a mistake should not show after minutes
		if err := readable([]string{flags.into}); err != nil {
			return err
		}
	}
	cfg, pipeline, err := open(flags.config, plainLog(cmd.ErrOrStderr()))
	if err != nil {
		return err
	}
	if err := pipeline.Close(); err != nil { // it was opened to be checked
		return err
	}
	var report *evaluate.Report
	if flags.rba != "" {
		report, err = evaluateRBA(cmd, cfg, flags)
	} else {
		report, err = evaluateSimulated(cmd, cfg, flags, seeds)
	}
	if err != nil {
		return err
	}
	if flags.html != "" {
		if err := writeFile(flags.html, report.WriteHTML); err != nil {
			return err
		}
	}
	if flags.into != "" {
		if err := report.RewriteMarkdown(flags.into); err != nil {
			return err
		}
	}
	if flags.output == "json" {
		return writeLines(cmd.OutOrStdout(), []*evaluate.Report{report})
	}
	return report.WriteText(cmd.OutOrStdout())
}

func evaluateSimulated(cmd *cobra.Command, cfg *config.Config, flags *evaluateFlags, seeds []uint64) (*evaluate.Report, error) {
	shown := newProgress(cmd.ErrOrStderr())
	defer shown.done()
	return evaluate.Simulate(cmd.Context(), cfg, evaluate.Simulation{
		Seeds: seeds, Users: flags.users, Days: flags.days, Learn: flags.learn, Calibrate: flags.calibrate,
		Ablation: !flags.noAblation,
		Progress: func(done, total int) { shown.counted("days", int64(done), int64(total)) },
	})
}

func evaluateRBA(cmd *cobra.Command, cfg *config.Config, flags *evaluateFlags) (report *evaluate.Report, err error) {
	err = newLogFiles(cmd).each([]string{flags.rba}, func(in io.Reader) error {
		report, err = evaluate.RBA(cmd.Context(), cfg, in, flags.learn, flags.calibrate)
		return err
	})
	return report, err
}

// writeFile writes a file anew.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
