package evaluate

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed report.html.tmpl
var reportPage string

var page = template.Must(template.New("report").Parse(reportPage))

// WriteHTML writes the report as one page that needs nothing beside it.
func (r *Report) WriteHTML(w io.Writer) error {
	return page.Execute(w, struct {
		Data   Data
		Plots  []plot
		Tables []table
	}{r.Data, r.plots(), r.tables()})
}
