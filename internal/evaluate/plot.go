package evaluate

import (
	"fmt"
	"math"
	"strings"
)

// plot is a drawing in SVG: everything in it is in its own coordinates already,
// so that the template only writes it down.
type plot struct {
	Title, Note    string
	Width, Height  float64
	Box            box
	X, Y           []tick
	XTitle, YTitle string
	Lines          []line
	Dots           []dot
	Bars           []bar
	Legend         []legend
}

// box is the area that values are drawn in.
type box struct{ Left, Top, Right, Bottom float64 }

type tick struct {
	At   float64
	Text string
}

// line joins points; Series picks the colour.
type line struct {
	Series int
	Points string
}

// dot is a value with the whisker of its interval, in either direction.
type dot struct {
	Series         int
	X, Y           float64
	X1, Y1, X2, Y2 float64 // the whisker; no length without one
	Tip            string
}

type bar struct {
	Series              int
	X, Y, Width, Height float64
	Tip                 string
}

type legend struct {
	Series int
	X      float64
	Text   string
}

const (
	plotWidth = 720
	rowHeight = 26 // of a plot with a row for each name
)

// scale maps values to coordinates.
type scale struct {
	from, to   float64 // values
	start, end float64 // coordinates
	log        bool
}

func (s scale) at(v float64) float64 {
	v = min(max(v, min(s.from, s.to)), max(s.from, s.to))
	from, to := s.from, s.to
	if s.log {
		v, from, to = math.Log(v), math.Log(from), math.Log(to)
	}
	return s.start + (v-from)/(to-from)*(s.end-s.start)
}

// plots are the drawings of a report.
func (r *Report) plots() []plot {
	all := []plot{r.curvePlot(), r.attackPlot(), r.learningPlot(), r.calibrationPlot()}
	if len(r.Ablation) > 0 {
		all = append(all, r.ablationPlot())
	}
	return all
}

func (r *Report) legend(from float64) []legend {
	var all []legend
	for i := range r.Methods {
		all = append(all, legend{i, from, r.Methods[i].Name})
		from += 30 + 7.5*float64(len(r.Methods[i].Name))
	}
	return all
}

var percentTicks = []float64{0, 0.2, 0.4, 0.6, 0.8, 1}

func (s scale) ticks(values []float64, text func(float64) string) []tick {
	var all []tick
	for _, v := range values {
		all = append(all, tick{s.at(v), text(v)})
	}
	return all
}

func inPercent(v float64) string { return fmt.Sprintf("%.3g %%", 100*v) }

// curvePlot is the share of attacks found over the share of benign sign-ins
// that may be challenged.
func (r *Report) curvePlot() plot {
	p := plot{
		Title: "Attacks found, by how many benign sign-ins may be challenged", Width: plotWidth, Height: 380,
		Box: box{60, 40, plotWidth - 20, 320}, XTitle: "benign sign-ins challenged (threshold fixed on an earlier window)", YTitle: "attacks found",
		Legend: r.legend(60),
	}
	x := scale{curveBudgets[0], curveBudgets[len(curveBudgets)-1], p.Box.Left, p.Box.Right, true}
	y := scale{0, 1, p.Box.Bottom, p.Box.Top, false}
	p.X = x.ticks([]float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2}, inPercent)
	p.Y = y.ticks(percentTicks, inPercent)
	for i := range r.Methods {
		var points []string
		for _, at := range r.Methods[i].Curve {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x.at(at.Budget), y.at(at.TPR)))
			p.Dots = append(p.Dots, bare(i, x.at(at.Budget), y.at(at.TPR), fmt.Sprintf("%s: %s of attacks at %s", r.Methods[i].Name, inPercent(at.TPR), inPercent(at.Budget))))
		}
		p.Lines = append(p.Lines, line{i, strings.Join(points, " ")})
	}
	return p
}

// bare is a dot without an interval.
func bare(series int, x, y float64, tip string) dot {
	return dot{Series: series, X: x, Y: y, X1: x, Y1: y, X2: x, Y2: y, Tip: tip}
}

// attackPlot has a row for each kind of attack.
func (r *Report) attackPlot() plot {
	var rows []int
	for i, g := range r.Methods[0].Groups {
		if g.Variant == "" {
			rows = append(rows, i)
		}
	}
	bottom := 40 + rowHeight*float64(len(rows))
	p := plot{
		Title: "Attacks found at 1 % challenges, by kind", Note: "With riskstream's 95 % interval over users.",
		Width: plotWidth, Height: bottom + 50, Box: box{150, 30, plotWidth - 20, bottom}, XTitle: "attacks found", Legend: r.legend(60),
	}
	x := scale{0, 1, p.Box.Left, p.Box.Right, false}
	p.X = x.ticks(percentTicks, inPercent)
	for i, g := range rows {
		y := 40 + rowHeight*(float64(i)+0.5)
		p.Y = append(p.Y, tick{y, named(r.Methods[0].Groups[g].Attack)})
		for m := len(r.Methods) - 1; m >= 0; m-- { // riskstream on top
			rate := r.Methods[m].Groups[g].TPR[0]
			d := bare(m, x.at(rate.Value), y, fmt.Sprintf("%s: %s of %d", r.Methods[m].Name, percent(rate)+" %", rate.Of))
			if m == 0 {
				d.X1, d.X2 = x.at(rate.Low), x.at(rate.High)
			}
			p.Dots = append(p.Dots, d)
		}
	}
	return p
}

// learningPlot is what is found by how well the victim is known.
func (r *Report) learningPlot() plot {
	p := plot{
		Title: "Attacks found at 1 % challenges, by how often the victim had signed in before", Width: plotWidth, Height: 340,
		Box: box{60, 40, plotWidth - 20, 280}, XTitle: "sign-ins before", YTitle: "attacks found", Legend: r.legend(60),
	}
	y := scale{0, 1, p.Box.Bottom, p.Box.Top, false}
	p.Y = y.ticks(percentTicks, inPercent)
	step := (p.Box.Right - p.Box.Left) / float64(len(r.Methods[0].Learning))
	for i, bin := range r.Methods[0].Learning {
		p.X = append(p.X, tick{p.Box.Left + step*(float64(i)+0.5), learningBin(bin)})
	}
	for m := len(r.Methods) - 1; m >= 0; m-- {
		var points []string
		for i, bin := range r.Methods[m].Learning {
			if bin.TPR.Of == 0 {
				continue
			}
			at := p.X[i].At
			d := bare(m, at, y.at(bin.TPR.Value), fmt.Sprintf("%s: %s %% of %d", r.Methods[m].Name, percent(bin.TPR), bin.TPR.Of))
			if m == 0 {
				d.Y1, d.Y2 = y.at(bin.TPR.Low), y.at(bin.TPR.High)
			}
			p.Dots = append(p.Dots, d)
			points = append(points, fmt.Sprintf("%.1f,%.1f", at, d.Y))
		}
		p.Lines = append(p.Lines, line{m, strings.Join(points, " ")})
	}
	return p
}

// calibrationPlot compares scores with the share of attacks. Both axes are
// logarithmic, for most of it happens below 1 %.
func (r *Report) calibrationPlot() plot {
	p := plot{
		Title: "Scores as probabilities", Note: fmt.Sprintf("At a prevalence of %s of sign-ins. On the line, a score would be a probability; above it, it is too low.", share100(r.Calibration.Prevalence)),
		Width: plotWidth, Height: 380, Box: box{60, 20, plotWidth - 20, 320}, XTitle: "mean score of the bin", YTitle: "share of attacks",
	}
	x := scale{0.001, 1, p.Box.Left, p.Box.Right, true}
	y := scale{0.0001, 1, p.Box.Bottom, p.Box.Top, true}
	ticks := []float64{0.0001, 0.001, 0.01, 0.1, 1}
	p.X, p.Y = x.ticks(ticks[1:], inPercent), y.ticks(ticks, inPercent)
	p.Lines = append(p.Lines, line{1, fmt.Sprintf("%.1f,%.1f %.1f,%.1f", x.at(0.001), y.at(0.001), x.at(1), y.at(1))})
	for _, b := range r.Calibration.Bins {
		if b.Attacks+b.Benign > 0 {
			p.Dots = append(p.Dots, bare(0, x.at(b.Score), y.at(b.Attack), fmt.Sprintf("scores %g to %g: %d attacks, %d benign sign-ins", b.From, b.To, b.Attacks, b.Benign)))
		}
	}
	return p
}

// ablationPlot is how much less is found without each detector.
func (r *Report) ablationPlot() plot {
	full, rest := r.Ablation[0], r.Ablation[1:]
	bottom := 40 + rowHeight*float64(len(rest))
	p := plot{
		Title: "What each detector adds", Note: "Points of all attacks that are lost without it; left of 0, more is found without it.",
		Width: plotWidth, Height: bottom + 50, Box: box{190, 30, plotWidth - 20, bottom}, XTitle: "points lost",
		Legend: []legend{{0, 60, "TPR at 1 % challenges"}, {1, 270, "recall at medium by the compromise"}},
	}
	most := 0.01
	for _, a := range rest {
		most = max(most, math.Abs(full.TPR-a.TPR), math.Abs(full.Recall-a.Recall))
	}
	x := scale{-most, most, p.Box.Left, p.Box.Right, false}
	p.X = x.ticks([]float64{-most, -most / 2, 0, most / 2, most}, func(v float64) string { return fmt.Sprintf("%.1f", 100*v) })
	for i, a := range rest {
		top := 40 + rowHeight*float64(i)
		p.Y = append(p.Y, tick{top + rowHeight/2, a.Without})
		for series, lost := range []float64{full.TPR - a.TPR, full.Recall - a.Recall} {
			from, to := x.at(min(0, lost)), x.at(max(0, lost))
			p.Bars = append(p.Bars, bar{
				Series: series, X: from, Y: top + 4 + 9*float64(series), Width: max(to-from, 1), Height: 8,
				Tip: fmt.Sprintf("without %s: %+.1f points", a.Without, -100*lost),
			})
		}
	}
	return p
}
