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
	newApp("Chat", 9),
	newApp("Contracts", 10),
	newApp("Recruiting", 11),
	newApp("Analytics", 12),
	newApp("Travel", 13),
	newApp("Learning", 14),
	newApp("Invoices", 15),
	newApp("Procurement", 16),
	newApp("Design Board", 17),
	newApp("Build Server", 18),
	newApp("Secrets Vault", 19),
	newApp("Treasury", 20),
	newApp("Admin Console", 21),
	newApp("Surveys", 22),
	newApp("Support Desk", 23),
	newApp("Data Room", 24),
}

// companyApps is how many of them the small company of the demo has.
const companyApps = 8
