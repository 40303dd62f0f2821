package simulate

import (
	"strconv"

	"github.com/riskstream/riskstream/event"
)

// appendFiles writes what the gateway of the file store logs: who opened or
// downloaded what, in the Elastic Common Schema.
func (c *scribe) appendFiles(b []byte, s *step) []byte {
	action := "access"
	if s.do == filesDownload {
		action = "download"
	}
	w := event.NewWriter(append(b, '{'))
	w.Time("@timestamp", s.at)
	w.Object("event", func() {
		w.Text("id", c.newID())
		w.Text("action", action)
		w.Text("category", "file")
		w.Text("outcome", "success")
	})
	w.Object("user", func() { w.Text("email", s.p.email) })
	w.Object("source", func() {
		w.Text("ip", s.from.address(s.host, s.mark()^s.rotation).String())
		w.Object("geo", func() {
			w.Text("country_iso_code", s.from.country)
			w.Text("city_name", s.from.city)
			w.Object("location", func() {
				w.Fixed("lat", s.from.lat, 4)
				w.Fixed("lon", s.from.lon, 4)
			})
		})
	})
	w.Object("user_agent", func() { w.Text("original", s.device.agent(s.at)) })
	w.Object("session", func() { w.Text("id", base62("idx", s.session, 21)) })
	w.Object("app", func() { w.Text("name", "Files") })
	w.Object("resource", func() {
		w.Text("id", "file-"+strconv.FormatUint(s.file, 36))
		w.Text("name", folders[s.file%uint64(len(folders))]+"/"+strconv.FormatUint(s.file, 36)+".pdf")
	})
	return append(w.Bytes(), '}')
}

// folders of the file store, of which the directory classifies some.
var folders = [...]string{"projects", "handbook", "finance", "people", "sales", "designs"}
