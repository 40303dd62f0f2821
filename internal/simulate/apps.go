package simulate

// app is an application of the company, with its id at Okta and at Entra.
type app struct{ name, okta, entra string }

func newApp(name string, n uint64) app {
	return app{name, base62("0oa", mix(saltApp, n), 17), uuidOf(saltApp, n)}
}

var apps = [...]app{
	newApp("Mail", 1),
	newApp("Calendar", 2),
	newApp("Expenses", 3),
	newApp("Source Control", 4),
	newApp("Customer Records", 5),
	newApp("Wiki", 6),
	newApp("Payroll", 7),
	newApp("Tickets", 8),
}
